/** From the start of the process to its first 200. */
export const benchmark = {
  name: 'start',
  title: 'start to the first 200',
  unit: 'ms',
  better: 'less',
  measure: ({ server }) => Promise.resolve(server.startMs),
};
