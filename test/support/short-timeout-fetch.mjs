// Preloaded into a server: its `fetch` gives up after a tenth of a second (at the next tick of the client's
// clock, which goes once a second), as Node's own does after five minutes.
import { Agent, setGlobalDispatcher } from 'undici';

setGlobalDispatcher(new Agent({ headersTimeout: 100, bodyTimeout: 100 }));
