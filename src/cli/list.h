/* Every subcommand, in the order of help and manual: cmd_NAME lives in src/cli. */
SUBCOMMAND(engine)
SUBCOMMAND(config)
SUBCOMMAND(console)
SUBCOMMAND(help)
SUBCOMMAND(simulate)
SUBCOMMAND(version)
