import { Validator } from '@seriousme/openapi-schema-validator';
import { Edge } from '../../test/support/http-edge.js';

interface Operation {
  operationId: string;
  tags: string[];
  'x-alias-of'?: string;
  responses: Record<string, unknown>;
}
interface Document {
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, { required?: string[]; discriminator?: { mapping: object }; oneOf?: unknown[] }>;
  };
}

const UNKNOWN = '00000000-0000-0000-0000-000000000001';
/** Operations of the documentation of the first version. */
const FIRST_VERSION = [
  ['/conversations/search', 'get'],
  ['/conversations', 'post'],
  ['/conversations/{conversation_id}', 'get'],
  ['/conversations/{conversation_id}', 'delete'],
  ['/conversations/{conversation_id}/events', 'get'],
  ['/conversations/{conversation_id}/events', 'post'],
] as const;

describe('the API document', () => {
  let edge: Edge;
  let document: Document;
  beforeAll(async () => {
    edge = await Edge.start();
    const { body } = await edge.get('/openapi.json');
    if (!isDocument(body)) throw new Error('no document');
    document = body;
  });
  afterAll(() => edge.close());

  it('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(structuredClone({ ...document }));
    expect(result).toMatchObject({ valid: true });
  });

  it('references only schemas that it contains', () => {
    const text = JSON.stringify(document);
    const names = [...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map((match) => String(match[1]));
    const missing = names.filter((name) => !(name in document.components.schemas));
    expect([...new Set(missing)]).toEqual([]);
  });

  it('describes every route with its statuses', () => {
    const post = document.paths['/api/conversations']?.['post'];
    expect(Object.keys(post?.responses ?? {})).toEqual([
      '200',
      '201',
      '400',
      '401',
      '403',
      '404',
      '408',
      '413',
      '415',
      '422',
      '429',
      '500',
      '503',
      '507',
    ]);
    expect(document.paths['/api/conversations/{conversation_id}/events/{event_id}']).toHaveProperty('get');
  });

  it('lists the paths of the first version last, as aliases with their own tag', () => {
    for (const [path, method] of FIRST_VERSION) {
      expect(document.paths[path]?.[method]).toMatchObject({
        'x-alias-of': `/api${path}`,
        tags: ['Aliases'],
      });
      expect(document.paths[`/api${path}`]?.[method]?.tags).not.toContain('Aliases');
    }
    const paths = Object.keys(document.paths);
    const aliases = paths.filter((path) => path.startsWith('/conversations'));
    expect(paths.slice(-aliases.length)).toEqual(aliases);
    expect(document.tags.at(-1)?.name).toBe('Aliases');
    const operations = Object.values(document.paths).flatMap((item) => Object.values(item));
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    const tagged = operations.filter(({ tags }) => tags.includes('Aliases'));
    expect(tagged.length).toBe(aliases.flatMap((path) => Object.keys(document.paths[path] ?? {})).length);
  });

  it('serves every alias', async () => {
    for (const path of Object.keys(document.paths).filter((each) => each.startsWith('/conversations'))) {
      const answer = await edge.request('PUT', path.replaceAll(/\{\w+\}/g, UNKNOWN));
      expect([path, answer.status]).toEqual([path, 405]);
    }
  });

  it('documents the answers of the HTTP edge for all operations that need a key', () => {
    const operations = Object.values(document.paths).flatMap((item) => Object.values(item));
    for (const { operationId, responses } of operations) {
      const declared = Object.keys(responses);
      expect([operationId, declared]).toEqual([operationId, expect.arrayContaining(['413', '422', '503'])]);
      if (declared.includes('401'))
        expect([operationId, declared]).toContainEqual(expect.arrayContaining(['429']));
    }
  });

  it('documents unions by kind, required fields and defaults', () => {
    const { Event, Action, Observation, StartConversationRequest } = document.components.schemas;
    for (const union of [Event, Action, Observation]) {
      expect(union?.oneOf?.length).toBeGreaterThan(10);
      expect(union?.oneOf).toHaveLength(Object.keys(union?.discriminator?.mapping ?? {}).length);
    }
    expect(StartConversationRequest?.required).toEqual(['workspace']);
    expect(StartConversationRequest).toMatchObject({
      properties: {
        max_iterations: { type: 'integer', minimum: 1, default: 500 },
        confirmation_policy: { default: { kind: 'NeverConfirm' } },
      },
    });
  });

  it('describes each group of operations, and groups only by those', () => {
    const used = Object.values(document.paths).flatMap((item) =>
      Object.values(item).flatMap(({ tags }) => tags),
    );
    expect(document.tags.map(({ name }) => name).sort()).toEqual([...new Set(used)].sort());
    for (const { name, description } of document.tags) {
      expect([name, description]).toEqual([name, expect.stringMatching(/^[A-Z].{20,}\.$/)]);
    }
  });

  it('is shown by a page whose files the server serves', async () => {
    const page = await edge.get('/docs');
    expect(page.headers.get('content-security-policy')).toBe("frame-ancestors 'none'");
    expect(page.headers.get('content-type')).toContain('text/html');
    const links = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => String(match[1]));
    for (const link of links) expect((await edge.get(`/${link}`)).status).toBe(200);
    expect((await edge.get('/redoc')).headers.get('location')).toBe('/docs');
  });
});

function isDocument(body: unknown): body is Document {
  return typeof body === 'object' && body !== null && 'paths' in body && 'components' in body;
}
