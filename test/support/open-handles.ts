import { readdir, readFile, readlink } from 'node:fs/promises';

/** The open handles of a process: its files, the numbers of its pipes and sockets, and its children. */
export interface OpenHandles {
  files: string[];
  pipes: number;
  sockets: number;
  children: string[];
}

/** Reads the open handles of a process from /proc. */
export async function openHandles(pid: number): Promise<OpenHandles> {
  const folder = `/proc/${pid}/fd`;
  const targets = await Promise.all(
    (await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => 'gone')),
  );
  const count = (prefix: string): number => targets.filter((target) => target.startsWith(prefix)).length;
  return {
    files: targets.filter((target) => target.startsWith('/')).sort(),
    pipes: count('pipe:'),
    sockets: count('socket:'),
    children: await childrenOf(pid),
  };
}

/** The command lines of the children of a process. */
async function childrenOf(pid: number): Promise<string[]> {
  const threads = await readdir(`/proc/${pid}/task`);
  const lists = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => '')),
  );
  const pids = lists.flatMap((list) => list.split(' ').filter((child) => child !== ''));
  return Promise.all(
    pids.map(async (child) => {
      const line = await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => 'gone');
      return line.replaceAll('\0', ' ').trim();
    }),
  );
}
