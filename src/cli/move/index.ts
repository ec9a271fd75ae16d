export { MOVE_HELP, parseMoveCommandLine, type MoveCommand, type MoveOptions } from './move-command-line.js';
