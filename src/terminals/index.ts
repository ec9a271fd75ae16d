export { type AttachedViewer, type Terminal, type TerminalSize } from './terminal/terminal.js';
export type { TerminalNotice, TerminalViewer } from './streams/terminal-notice.js';
export type { ReaderSink } from './streams/terminal-reader.js';
export { TerminalNotFoundError } from './terminal-errors.js';
export { TerminalsModule } from './terminals.module.js';
export { TerminalsService } from './terminals.service.js';
