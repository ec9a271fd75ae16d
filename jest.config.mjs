import os from 'node:os';

const swc = {
  swcrc: false,
  sourceMaps: 'inline',
  jsc: {
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    target: 'es2023',
    keepClassNames: true,
  },
  module: { type: 'es6' },
};

/** The page of the console. */
const swcPage = {
  ...swc,
  jsc: {
    ...swc.jsc,
    parser: { syntax: 'typescript', tsx: true },
    transform: { react: { runtime: 'automatic', importSource: 'preact' } },
  },
};

/** jest runs the ES modules as they are (`--experimental-vm-modules`, set by `test/run.mjs`). */
export default {
  rootDir: '.',
  roots: ['<rootDir>/src', '<rootDir>/console/src', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts', '.tsx'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '^.+\\.ts$': ['@swc/jest', swc], '^.+\\.tsx$': ['@swc/jest', swcPage] },
  testEnvironment: 'node',
  globalSetup: '<rootDir>/test/support/postgres/broker.mjs',
  globalTeardown: '<rootDir>/test/support/postgres/teardown.mjs',
  maxWorkers: Math.min(3, os.availableParallelism() + 1),
  // jest keeps what each file has loaded: a worker of the whole suite came to 2.6 GiB.
  workerIdleMemoryLimit: '1GB',
  testTimeout: 120_000,
  // Two reporters: jest's own, and the line that a machine reads.
  reporters: ['default', '<rootDir>/test/closing-line-reporter.mjs'],
};
