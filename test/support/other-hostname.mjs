// Preloaded into a server (`--import`): its host has the name in TEST_HOSTNAME.
import os from 'node:os';
import { syncBuiltinESMExports } from 'node:module';

const name = process.env.TEST_HOSTNAME;
if (name !== undefined) {
  os.hostname = () => name;
  syncBuiltinESMExports();
}
