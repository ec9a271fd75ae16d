export { DeferredInit, ServerSetup } from './deferred-init.js';
export { InitModule } from './init.module.js';
export { handOver, refuseUntilReady } from './refuse-until-ready.js';
