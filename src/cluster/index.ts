export { TerminalServers } from './terminal-servers.js';
