export { HostList } from './host-list.js';
export { NetworkProxy } from './network-proxy.js';
