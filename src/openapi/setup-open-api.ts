import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { INestApplication } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { JsonObject } from '../json/index.js';
import { PAGE } from './page.js';
import { PAGE_SCRIPT } from './page-script.js';

/** The path of the routes about automations. */
const AUTOMATIONS = '/api/automation';

const require = createRequire(import.meta.url);

/** Content types of the Swagger UI files that the page loads, by name in the package. */
const ASSETS: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css',
  'swagger-ui-bundle.js': 'text/javascript',
  'favicon-32x32.png': 'image/png',
};

/**
 * Serves the API document at `/openapi.json` and Swagger UI at `/docs`, with its files from the package, so
 * that it works offline. Nothing is loaded or built before the first request. Call it before `app.init()`.
 * @param version of the server, for the document
 */
export function setupOpenApi(app: INestApplication, version: string): void {
  const adapter = app.getHttpAdapter();
  let json: Promise<string> | undefined;
  const document = (): Promise<string> => {
    json ??= import('./document.js').then(async ({ buildDocument }) =>
      JSON.stringify(await buildDocument(app, version)),
    );
    return json;
  };
  adapter.get('/openapi.json', answer('application/json', document));
  // Agents read it, with little room: it is what the server information tells them about automations.
  adapter.get(
    `${AUTOMATIONS}/openapi.json`,
    answer('application/json', async () => {
      const { partOfDocument } = await import('./part-of-document.js');
      return JSON.stringify(partOfDocument(JSON.parse(await document()) as JsonObject, AUTOMATIONS));
    }),
  );
  adapter.get(`${AUTOMATIONS}/docs`, (_request: Request, response: Response) =>
    response.redirect(307, '/docs'),
  );
  adapter.get(
    '/docs',
    answer('text/html; charset=utf-8', () => Promise.resolve(PAGE)),
  );
  adapter.get(
    '/docs/page.js',
    answer('text/javascript', () => Promise.resolve(PAGE_SCRIPT)),
  );
  for (const [name, type] of Object.entries(ASSETS)) {
    const file = (): Promise<Buffer> => readFile(assetFile(name));
    adapter.get(`/docs/assets/${name}`, answer(type, file));
  }
  adapter.get('/redoc', (_request: Request, response: Response) => response.redirect(307, '/docs'));
}

/** A file of Swagger UI: of the copy beside the bundle, or where there is no bundle, of the package. */
function assetFile(name: string): string {
  const copy = fileURLToPath(new URL(`swagger-ui/${name}`, import.meta.url));
  return existsSync(copy) ? copy : require.resolve(`swagger-ui-dist/${name}`);
}

function answer(type: string, content: () => Promise<string | Buffer>) {
  // Express passes a rejection to the error handler.
  return async (_request: Request, response: Response): Promise<void> => {
    const body = await content();
    // The page calls the API, so other pages must not frame it (clickjacking).
    response.setHeader('Content-Security-Policy', "frame-ancestors 'none'");
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Content-Type', type).end(body);
  };
}
