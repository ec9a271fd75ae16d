import { readdir, readFile } from 'node:fs/promises';

/**
 * The running processes that a server has started, itself first. Some leave the process tree (tmux does), so
 * processes whose home is the server's folder count, too.
 */
export async function processesOf(pid, home) {
  const parents = new Map();
  const found = new Set([pid]);
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const [stat, environment] = await Promise.all([read(name, 'stat'), read(name, 'environ')]);
    // After the name of the program, which may contain blanks and brackets: state and parent.
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (stat === '' || state === 'Z') continue;
    parents.set(Number(name), Number(parent));
    if (`\0${environment}`.includes(`\0HOME=${home}\0`)) found.add(Number(name));
  }
  for (let size = 0; size !== found.size;) {
    size = found.size;
    for (const [child, parent] of parents) if (found.has(parent)) found.add(child);
  }
  return [...found];
}

/** Memory of some processes (MiB). Shared pages count once. */
export async function proportionalMiB(pids) {
  const maps = await Promise.all(pids.map((pid) => read(pid, 'smaps_rollup')));
  return maps.reduce((sum, text) => sum + Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0), 0) / 1024;
}

/** Memory of a process in RAM (MiB). */
export async function residentMiB(pid) {
  return Number(/VmRSS:\s+(\d+) kB/.exec(await read(pid, 'status'))?.[1]) / 1024;
}

/** Empty for a process that has ended. */
function read(pid, file) {
  return readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
}
