/**
 * Ends a Node process with the one that has started it, also when that was killed: it holds the other end of
 * the standard input. For `--import`.
 */
process.stdin.on('end', () => process.kill(process.pid, 'SIGTERM')).resume();
// The pipe alone does not keep the process alive.
process.stdin.unref();
