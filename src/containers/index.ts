export { ContainerSockets } from './routing/container-sockets.js';
export { ContainersModule } from './containers.module.js';
