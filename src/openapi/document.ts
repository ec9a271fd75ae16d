import { type INestApplicationContext, RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { ModulesContainer, Reflector } from '@nestjs/core';
import type { OpenAPIObject } from '@nestjs/swagger';
import { OpenRoute, type Requirement, requirementOf } from '../auth/index.js';
import {
  type BodyDocs,
  documentedSchemas,
  fieldsOf,
  type JsonSchema,
  type OperationDocs,
  operationName,
  operationOf,
  referencedDtos,
  refTo,
  type SchemaSource,
} from '../http/index.js';
import { DESCRIPTION } from './description.js';
import { dtoSchema, fieldSchema } from './dto-schema.js';
import { ERROR_SCHEMAS, errorSchema, SHARED_CAUSES } from './error-schemas.js';
import { bodyExamples, bodyNotes, parameterExample, type Prerequisite, Prerequisites } from './examples.js';
import { PATH_PARAMETERS } from './path-parameters.js';
import { describedTags } from './tags.js';

/** An OpenAPI 3.1 document. */
type OpenApiDocument = JsonSchema;

interface Endpoint {
  path: string;
  method: string;
  name: string;
  docs: OperationDocs;
  /** What a key needs; undefined: no key is needed. */
  required: Requirement | undefined;
  /** For an alias: the path that is described in full. */
  aliasOf?: string;
}

/** The last tag of the document, so that client generators can exclude its operations. */
const ALIASES = 'Aliases';

/**
 * Describes the routes of an application: paths and methods from Nest's metadata, the rest from `@Operation`.
 */
export async function buildDocument(app: INestApplicationContext, version: string): Promise<OpenApiDocument> {
  const named = { ...ERROR_SCHEMAS, ...(await documentedSchemas()) };
  const paths: Record<string, Record<string, JsonSchema>> = {};
  const endpoints = endpointsOf(app);
  const prerequisites = new Prerequisites(endpoints);
  for (const endpoint of endpoints) {
    const item = (paths[endpoint.path] ??= {});
    const described = operation(endpoint, prerequisites);
    item[endpoint.method] = endpoint.aliasOf === undefined ? described : alias(endpoint, described);
  }
  const frame = await documentFrame(version);
  return {
    ...frame,
    tags: describedTags([...endpoints.map(({ docs }) => docs.tag), ALIASES]),
    paths,
    components: { ...frame.components, schemas: componentSchemas(named) },
  };
}

/** The document without its routes. The package is imported late: it takes some 300 ms. */
async function documentFrame(version: string): Promise<Omit<OpenAPIObject, 'paths'>> {
  const { DocumentBuilder } = await import('@nestjs/swagger');
  return new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('OpenHands Agent Server')
    .setVersion(version)
    .setDescription(DESCRIPTION)
    .addApiKey(
      {
        type: 'apiKey',
        in: 'header',
        name: 'X-Session-API-Key',
        description: 'A session key of the configuration, or a named key. Not needed if the server has none.',
      },
      'APIKeyHeader',
    )
    .addBearerAuth(
      {
        type: 'http',
        scheme: 'bearer',
        description: 'The same key as a bearer token.',
      },
      'Bearer',
    )
    .build();
}

/** All routes, aliases last. A route with and without `/api` is described in full with it. */
function endpointsOf(app: INestApplicationContext): Endpoint[] {
  const reflector = new Reflector();
  const wrappers = [...app.get(ModulesContainer).values()].flatMap((module) => [
    ...module.controllers.values(),
  ]);
  const endpoints = wrappers.flatMap(({ metatype }) => {
    if (!isClass(metatype)) return [];
    const bases = pathsOf(metatype);
    const underApi = bases.filter((base) => /^\/?api(\/|$)/.test(base));
    return bases.flatMap((base) => {
      const main = underApi.includes(base) ? undefined : underApi.find((other) => other === `api/${base}`);
      return endpointsAt({ base, main }, metatype, reflector);
    });
  });
  const isAlias = ({ aliasOf }: Endpoint): boolean => aliasOf !== undefined;
  return [...endpoints.filter((endpoint) => !isAlias(endpoint)), ...endpoints.filter(isAlias)];
}

/**
 * The handlers of a controller under one of its paths. If it is an alias, `main` is the path of the original.
 */
function endpointsAt(
  { base, main }: { base: string; main: string | undefined },
  controller: Type<object>,
  reflector: Reflector,
): Endpoint[] {
  const scoped = base.includes(':runtime_conversation_id') ? 'InConversation' : '';
  return handlersOf(controller).flatMap(([name, handler]) => {
    const path: unknown = Reflect.getMetadata(PATH_METADATA, handler);
    const method: unknown = Reflect.getMetadata(METHOD_METADATA, handler);
    if (typeof path !== 'string' || typeof method !== 'number') return [];
    if (operationOf(handler)?.hidden === true) return [];
    const open = [handler, controller].some((target) => reflector.get(OpenRoute, target) !== undefined);
    const required = (described: string): Requirement | undefined => {
      if (open) return undefined;
      const names = namesIn(described);
      const stated = requirementOf([handler, controller], (parameter) => names.includes(parameter));
      return stated ?? unscoped(controller.name, name);
    };
    const mainPaths = main === undefined ? [] : openApiPaths(`${main}/${path}`);
    const suffix = `${scoped}${main === undefined ? '' : 'Alias'}`;
    return openApiPaths(`${base}/${path}`).map((described, index) => ({
      path: described,
      method: (RequestMethod[method] ?? 'GET').toLowerCase(),
      name: `${operationName(controller, { name })}${suffix}${index === 0 ? '' : 'Root'}`,
      required: required(described),
      docs: { ...(operationOf(handler) ?? undocumented(controller.name, name)), open },
      aliasOf: mainPaths[index],
    }));
  });
}

/** The paths of a controller: one or several. */
function pathsOf(controller: object): string[] {
  const paths: unknown = Reflect.getMetadata(PATH_METADATA, controller);
  if (Array.isArray(paths)) return paths.map(String);
  return [typeof paths === 'string' ? paths : ''];
}

function handlersOf(controller: { prototype: object }): [string, () => unknown][] {
  return Object.entries(Object.getOwnPropertyDescriptors(controller.prototype)).flatMap(
    ([name, property]) => {
      const handler: unknown = property.value;
      return name !== 'constructor' && isFunction(handler) ? [[name, handler]] : [];
    },
  );
}

function isClass(value: unknown): value is Type<object> {
  return typeof value === 'function';
}

function isFunction(value: unknown): value is () => unknown {
  return typeof value === 'function';
}

/** A handler without `@Operation` would be undocumented, and its body would not be read. */
function undocumented(controller: string, name: string): never {
  throw new Error(`${controller}.${name} has no @Operation`);
}

/** Without `@Scope` a route would need the strictest key, and nobody would know. */
function unscoped(controller: string, name: string): never {
  throw new Error(`${controller}.${name} has no @Scope`);
}

/** A path with an optional end is documented as two paths. */
function openApiPaths(path: string): string[] {
  const withoutTrailing = path.replace(/\{\/\*\w+\}$/, '');
  return [path, ...(withoutTrailing === path ? [] : [withoutTrailing])].map(openApiPath);
}

/** Converts `/a//b/:id/` to `/a/b/{id}`. */
function openApiPath(path: string): string {
  // A route with an optional trailing slash is documented with it, as in the original.
  if (path.endsWith('{/}')) return `${openApiPath(path.slice(0, -3))}/`;
  const clean = `/${path}`.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');
  return clean
    .replace(/\{\/\*(\w+)\}/g, '/{$1}')
    .replace(/:(\w+)/g, '{$1}')
    .replace(/\*(\w+)/g, '{$1}');
}

/** Statuses that every operation can answer. */
const EVERYWHERE = [400, 413, 422, 500, 503];

/** An operation under a path of the first version. */
function alias({ method, aliasOf = '' }: Endpoint, described: JsonSchema): JsonSchema {
  return {
    ...described,
    tags: [ALIASES],
    description: `The same as \`${method.toUpperCase()} ${aliasOf}\`.`,
    'x-alias-of': aliasOf,
  };
}

/** The errors of a route: what leads to each status, except those that it documents as answers. */
function errorsOf({ path, method, docs }: Endpoint): { status: number; causes: string }[] {
  const own = docs.errors ?? {};
  const shared = [
    ...EVERYWHERE,
    ...(docs.open ? [] : [401, 403]),
    // Wrong keys are counted and limited.
    ...(docs.open && !(401 in own) ? [] : [429]),
    ...(docs.body ? [408, 415] : []),
    ...(/\{(runtime_)?conversation_id\}/.test(path) ? [404, 409] : []),
    // A change may fail because the disk is full.
    ...(method === 'get' ? [] : [507]),
  ];
  const statuses = [...new Set([...shared, ...Object.keys(own).map(Number)])];
  return statuses
    .filter((status) => !(status in docs.answers))
    .sort((a, b) => a - b)
    .map((status) => {
      const causes = new Set([own[status], shared.includes(status) ? SHARED_CAUSES[status] : undefined]);
      return { status, causes: [...causes].filter((cause) => cause !== undefined).join(' ') };
    });
}

function operation(endpoint: Endpoint, prerequisites: Prerequisites): JsonSchema {
  const { path, name, docs, required } = endpoint;
  const pathNames = namesIn(path);
  return {
    operationId: name,
    tags: [docs.tag],
    summary: docs.summary,
    description: [docs.description, keyNote(required)].filter(Boolean).join('\n\n'),
    ...(required && { 'x-required-scope': required.scope, 'x-own-keys': required.own }),
    parameters: [
      ...pathNames.map((name) => pathParameter(name, docs)),
      ...queryParameters(docs),
      ...headerParameters(docs),
    ],
    ...(docs.body && { requestBody: requestBody(docs.body, prerequisites.of(endpoint)) }),
    responses: {
      ...Object.fromEntries(
        Object.entries(docs.answers).map(([status, { description, schema, mediaType, also, links }]) => [
          status,
          { description, ...(schema && content(schema, mediaType, also)), ...(links && { links }) },
        ]),
      ),
      ...Object.fromEntries(
        errorsOf(endpoint).map(({ status, causes }) => [status, errorAnswer(path, status, causes)]),
      ),
    },
    // Either of the two.
    ...(!docs.open && { security: [{ APIKeyHeader: [] }, { Bearer: [] }] }),
  };
}

/** The names of the parameters in a path of the document. */
function namesIn(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
}

function keyNote(required: Requirement | undefined): string {
  if (!required) return '';
  const { scope, own } = required;
  return own ? `Needs the scope \`${scope}\`.` : `Needs the scope \`${scope}\` and the reach \`all\`.`;
}

function pathParameter(name: string, { path = {}, values }: OperationDocs): JsonSchema {
  const { description, ...schema } = path[name] ?? PATH_PARAMETERS[name] ?? { type: 'string' };
  return { name, in: 'path', required: true, schema, description, ...parameterExample(name, values) };
}

function queryParameters({ query, values = {} }: OperationDocs): JsonSchema[] {
  if (!query) return [];
  const defaults = new Map<string, unknown>(Object.entries(new query()));
  return [...fieldsOf(query)].map(([name, spec]) => {
    const { description, ...schema } = fieldSchema(spec, defaults.get(name) ?? undefined);
    const required = defaults.get(name) === undefined && !spec.optional;
    const example = values[name] !== undefined && { example: values[name] };
    return { name, in: 'query', required, schema, description, ...example };
  });
}

function headerParameters({ headers = {} }: OperationDocs): JsonSchema[] {
  return Object.entries(headers).map(([name, description]) => ({
    name,
    in: 'header',
    required: false,
    schema: { anyOf: [{ type: 'string' }, { type: 'null' }] },
    description,
  }));
}

function requestBody(body: BodyDocs, after: readonly Prerequisite[]): JsonSchema {
  const { schema, required = true, mediaType = 'application/json' } = body;
  const media = { schema: schemaFor(schema), ...bodyExamples(body) };
  return { ...bodyNotes(body, after), required, content: { [mediaType]: media } };
}

const RETRY_AFTER = {
  description: 'Seconds to wait before the request is repeated.',
  schema: { type: 'integer' },
};

function errorAnswer(path: string, status: number, description: string): JsonSchema {
  return {
    description,
    ...([429, 503].includes(status) && { headers: { 'Retry-After': RETRY_AFTER } }),
    ...content(errorSchema(path, status)),
  };
}

function content(
  schema: SchemaSource,
  mediaType = 'application/json',
  also: Readonly<Record<string, SchemaSource>> = {},
): JsonSchema {
  const all = Object.entries({ [mediaType]: schema, ...also });
  return { content: Object.fromEntries(all.map(([type, one]) => [type, { schema: schemaFor(one) }])) };
}

function schemaFor(source: SchemaSource): JsonSchema {
  if (typeof source === 'string') return { $ref: `#/components/schemas/${source}` };
  return typeof source === 'function' ? { $ref: refTo(source) } : source;
}

/** Named schemas and every referenced DTO. Creating a schema may reference further DTOs. */
function componentSchemas(named: Record<string, JsonSchema>): Record<string, JsonSchema> {
  const dtos: Record<string, JsonSchema> = {};
  for (let size = -1; size < Object.keys(dtos).length;) {
    size = Object.keys(dtos).length;
    for (const [name, dto] of referencedDtos()) dtos[name] ??= dtoSchema(dto);
  }
  return Object.fromEntries(Object.entries({ ...named, ...dtos }).sort(([a], [b]) => (a < b ? -1 : 1)));
}
