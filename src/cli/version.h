/* The version, once. */
#ifndef RD_CLI_VERSION_H
#define RD_CLI_VERSION_H

#define RINGDOWN_VERSION "0.1.0"

#endif
