import 'reflect-metadata';
import { OpenRoute, requirementOf } from '../../dist/current/auth/index.js';
import { createServer } from '../../dist/current/app.setup.js';
import { AppConfig } from '../../dist/current/config/index.js';
import { JsonAdapter } from '../../dist/current/http/index.js';
import { SocketsModule } from '../../dist/current/sockets/sockets.module.js';

/**
 * Prints as JSON what the application of this build serves, as Nest and Express know it: the routes, as the
 * API document writes them, and the gateways of sockets with what a key needs there. A process of its own
 * loads the application much faster than jest does.
 *
 *     node test/keys/served-routes.mjs FOLDER
 */
const [folder] = process.argv.slice(2);
const config = Object.assign(new AppConfig(), { base_dir: folder, session_api_keys: ['key'] });
const app = await createServer(config, false);
try {
  await app.init();
  const adapter = app.getHttpAdapter();
  if (!(adapter instanceof JsonAdapter)) throw new Error('another adapter');
  const routes = adapter.router.stack.flatMap(({ route }) => (route ? written(route) : []));
  console.log(JSON.stringify({ routes, gateways: gateways() }));
} finally {
  await app.close();
}

/** @returns `method path` for each method */
function written(route) {
  const path = route.path
    .replace(/\{\/\*(\w+)\}/g, '/{$1}')
    .replace(/\{\/\}$/, '/')
    .replace(/[:*](\w+)/g, '{$1}');
  return [...new Set(route.stack.map((layer) => layer.method))].map((method) => `${method} ${path}`);
}

function gateways() {
  const providers = Reflect.getMetadata('providers', SocketsModule) ?? [];
  const isGateway = (provider) =>
    typeof provider === 'function' && Reflect.getMetadata('websockets:is_gateway', provider) === true;
  return providers.filter(isGateway).map((gateway) => ({
    name: gateway.name,
    path: Reflect.getMetadata('websockets:gateway_options', gateway).path,
    isOpen: Reflect.hasMetadata(OpenRoute.KEY, gateway),
    hasRequirement: requirementOf([gateway]) !== undefined,
  }));
}
