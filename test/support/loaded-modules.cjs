// Preloaded by a test (`node --require`): writes the files that the process has loaded by its end.
const { writeFileSync } = require('node:fs');

process.on('exit', () => writeFileSync(process.env.LOADED_MODULES, Object.keys(require.cache).join('\n')));
