#include "tests/screen/scene.h"
int main(int argc, char **argv)
{
	if (argc > 2 && str_eq(argv[1], "--run"))
		return scene_run(argv[2], argc > 3 ? argv[3] : NULL);
	return 0;
}
