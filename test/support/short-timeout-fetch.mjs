// Preloaded into a server: its `fetch` times out after a tenth of a second (rounded up to the next second by
// the clock of undici), instead of five minutes.
import { Agent, setGlobalDispatcher } from 'undici';

setGlobalDispatcher(new Agent({ headersTimeout: 100, bodyTimeout: 100 }));
