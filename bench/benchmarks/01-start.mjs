/** Time from the start of the process to the first 200, and its memory then. */
export const benchmark = {
  name: 'start',
  rounds: { full: 7, quick: 3 },
  rows: {
    start: { title: 'start to the first 200', unit: 'ms', better: 'less', target: { times: 12 } },
    memory: { title: 'memory after the start (RSS)', unit: 'MiB', better: 'less', target: { times: 3 } },
  },
  async measure({ start }) {
    const server = await start();
    return { start: server.startMs, memory: await server.residentMiB() };
  },
};
