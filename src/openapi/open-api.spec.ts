import { Validator } from '@seriousme/openapi-schema-validator';
import { Edge } from '../../test/support/http-edge.js';

interface Operation {
  responses: Record<string, unknown>;
  requestBody?: { content: { 'application/json': { example?: unknown } } };
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, { required?: string[]; discriminator?: { mapping: object }; oneOf?: unknown[] }>;
  };
}

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

  it('refers only to what it contains', () => {
    const text = JSON.stringify(document);
    const names = [...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map((match) => String(match[1]));
    const missing = names.filter((name) => !(name in document.components.schemas));
    expect([...new Set(missing)]).toEqual([]);
  });

  it('describes every route once, with its statuses', () => {
    const post = document.paths['/api/conversations']?.['post'];
    expect(Object.keys(post?.responses ?? {})).toEqual([
      '200',
      '201',
      '400',
      '401',
      '404',
      '413',
      '415',
      '422',
      '429',
      '500',
      '503',
    ]);
    expect(Object.keys(document.paths).filter((path) => path.startsWith('/conversations'))).toEqual([]);
    expect(document.paths['/api/conversations/{conversation_id}/events/{event_id}']).toHaveProperty('get');
  });

  it('tells unions by kind, and required fields from defaults', () => {
    const { Event, StartConversationRequest } = document.components.schemas;
    expect(Event?.oneOf).toHaveLength(Object.keys(Event?.discriminator?.mapping ?? {}).length);
    expect(StartConversationRequest?.required).toEqual(['workspace']);
    expect(StartConversationRequest).toMatchObject({
      properties: {
        max_iterations: { type: 'integer', minimum: 1, default: 500 },
        confirmation_policy: { default: { kind: 'NeverConfirm' } },
      },
    });
  });

  it('has an example that can be executed', async () => {
    const example =
      document.paths['/api/conversations']?.['post']?.requestBody?.content['application/json'].example;
    expect((await edge.send('POST', '/api/conversations', example)).status).toBe(201);
  });

  it('is shown by a page whose files the server has', async () => {
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
