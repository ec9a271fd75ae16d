export { type Command, HELP, parseCommandLine } from './command-line.js';
export { SUBCOMMANDS } from './subcommands.js';
export { parsedArguments } from './subcommand.js';
