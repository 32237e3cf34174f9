/* Each fuzzer is one parser: bytes in, no crash, no leak, no undefined behaviour. */
#ifndef RD_FUZZ_H
#define RD_FUZZ_H
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
#define FUZZ int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
#endif
