/** Memory of a server that has answered once. */
export const benchmark = {
  name: 'memory',
  title: 'memory after the start',
  unit: 'MiB',
  better: 'less',
  measure: ({ server }) => server.residentMiB(),
};
