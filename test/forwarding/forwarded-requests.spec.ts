import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { eventually } from '../support/server-process.js';
import { contentAt, ForwardingServer, KEY } from './forwarding-server.js';
import { InMemoryCluster } from './in-memory-cluster.js';

const MIB = 1024 * 1024;
const SHOWN = { 'x-session-api-key': KEY };

describe('requests that another server has to serve', () => {
  const cluster = new InMemoryCluster();
  let first: ForwardingServer;
  let owner: ForwardingServer;
  let id: string;
  beforeAll(async () => {
    first = await ForwardingServer.start('first', cluster);
    owner = await ForwardingServer.start('owner', cluster);
  });
  afterAll(async () => {
    await first.stop();
    await owner.stop();
  });
  beforeEach(() => {
    id = cluster.conversationAt(owner.id);
    for (const { observed } of [first, owner]) {
      for (const list of [observed.calls, observed.ends, observed.streams]) list.length = 0;
      observed.received = observed.produced = 0;
    }
  });

  type Init = Omit<RequestInit, 'headers'> & { headers?: Record<string, string> };
  const fetchOne = (route: string, init: Init = {}, server = first) =>
    fetch(`${server.url}/api/conversations/${id}${route}`, {
      ...init,
      headers: { ...SHOWN, ...init.headers },
    });
  const send = (route: string, body: unknown, headers = {}) =>
    fetchOne(route, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
  /** A request that is answered piece by piece. */
  const open = (route: string, options: { method?: string; headers?: object; agent?: Agent } = {}) => {
    const { method = 'GET', headers, agent = new Agent() } = options;
    const sent = httpRequest(`${first.url}/api/conversations/${id}${route}`, {
      ...{ method, agent },
      headers: { ...SHOWN, ...headers },
    });
    sent.on('error', () => undefined);
    return sent;
  };

  it('are answered as the other server does', async () => {
    const answer = await send('/echo?a=1&b=%2F', { text: 'ä' }, { 'x-own': 'mine', 'x-request-id': 'one' });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('x-request-id')).toBe('one');
    expect(answer.headers.get('content-type')).toBe('application/json');
    const body = (await answer.json()) as { headers: Record<string, string> };
    expect(body).toMatchObject({
      server: 'owner',
      method: 'POST',
      url: `/api/conversations/${id}/echo?a=1&b=%2F`,
      body: { text: 'ä' },
      address: '127.0.0.1',
    });
    expect(body.headers).toMatchObject({ ...SHOWN, 'x-own': 'mine', host: new URL(first.url).host });
    expect(Object.keys(body.headers)).not.toContain('x-openhands-hop');
    expect(first.observed.calls).toEqual([]);
  });

  it('keep the id in every form that the server accepts', async () => {
    const hex = id.replaceAll('-', '');
    for (const written of [hex, hex.toUpperCase(), `%7B${id}%7D`, `urn:uuid:${id}`]) {
      const answer = await fetch(`${first.url}/api/conversations/${written}`, { headers: SHOWN });
      expect(await answer.json()).toMatchObject({ server: 'owner' });
    }
    const invalid = await fetch(`${first.url}/api/conversations/not-an-id`, { headers: SHOWN });
    expect(await invalid.json()).toMatchObject({ server: 'first' });
  });

  it('name the conversation in a header below /v1', async () => {
    const answer = await fetch(`${first.url}/v1/echo`, {
      ...{ method: 'POST', body: '{}' },
      headers: { ...SHOWN, 'X-OpenHands-ServerConversation-ID': id },
    });
    expect(await answer.json()).toMatchObject({ server: 'owner' });
  });

  it('are refused before the body is read if the key is wrong', async () => {
    const sent = open('/file/upload', {
      method: 'POST',
      headers: { 'x-session-api-key': 'wrong', 'content-length': 100 * MIB },
    });
    sent.flushHeaders();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    expect(answer.statusCode).toBe(401);
    sent.destroy();
    expect(owner.observed.calls).toEqual([]);
  });

  it('carry uploads of any size with bounded memory', async () => {
    const size = 100 * MIB;
    let release: () => void = () => undefined;
    owner.observed.reading = new Promise<void>((resolve) => (release = resolve));
    const sent = open('/file/upload', { method: 'POST', headers: { 'content-length': size } });
    const hash = createHash('sha256');
    let written = 0;
    const chunk = Buffer.alloc(64 * 1024, 7);
    const write = async (): Promise<void> => {
      while (written < size) {
        hash.update(chunk);
        written += chunk.length;
        if (!sent.write(chunk)) await once(sent, 'drain');
      }
      sent.end();
    };
    const done = write();
    await eventually(() => owner.observed.received > 0, 'the first bytes');
    await settled(() => written);
    // The sockets hold some of it, but neither server does.
    expect(written).toBeLessThan(24 * MIB);
    release();
    await done;
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    expect(JSON.parse(await textOf(answer))).toEqual({
      ...{ server: 'owner', bytes: size },
      sha256: hash.digest('hex'),
    });
  });

  it('carry downloads of any size at the pace of the client', async () => {
    const size = 100 * MIB;
    const sent = open(`/file/download/${size}`);
    sent.end();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    answer.pause();
    await settled(() => owner.observed.produced);
    expect(owner.observed.produced).toBeLessThan(24 * MIB);
    const hash = createHash('sha256');
    let read = 0;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      hash.update(chunk);
      read += chunk.length;
    }
    const expected = createHash('sha256');
    for (let at = 0; at < size; at += 64 * 1024) expected.update(contentAt(at, 64 * 1024));
    expect([read, hash.digest('hex')]).toEqual([size, expected.digest('hex')]);
  });

  it('show each event of a stream when it is sent', async () => {
    const sent = open('/stream');
    sent.end();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    expect(answer.headers['content-type']).toBe('text/event-stream');
    for (const text of ['data: 1\n\n', 'data: 2\n\n']) {
      const next = once(answer, 'data');
      owner.observed.streams[0]?.write(text);
      expect(String((await next)[0])).toBe(text);
    }
    owner.observed.streams[0]?.end('data: 3\n\n');
    expect(await textOf(answer)).toBe('data: 3\n\n');
  });

  it('end at the other server when the client leaves', async () => {
    const stream = open('/stream');
    stream.end();
    const [events] = (await once(stream, 'response')) as [IncomingMessage];
    events.on('error', () => undefined);
    const download = open(`/file/download/${100 * MIB}`);
    download.end();
    const [file] = (await once(download, 'response')) as [IncomingMessage];
    file.on('error', () => undefined);
    const waiting = open('/hang', { method: 'POST' });
    waiting.end('{}');
    const upload = open('/file/upload', { method: 'POST', headers: { 'content-length': 10 * MIB } });
    upload.write(Buffer.alloc(MIB));
    const { calls, ends, received } = owner.observed;
    expect(received).toBe(0);
    await eventually(() => calls.includes('owner hang') && owner.observed.received === MIB, 'both requests');
    for (const sent of [stream, download, waiting, upload]) sent.destroy();
    const expected = ['closed', 'cut upload', 'hang closed', 'stream closed'];
    await eventually(() => ends.length === 4, 'the ends');
    expect(ends.sort()).toEqual(expected);
  });

  it('are cut for the client when the other server is cut', async () => {
    const sent = open('/cut');
    sent.end();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    await expect(textOf(answer)).rejects.toThrow('aborted');
  });

  it('may be answered before their body is sent', async () => {
    const sent = open('/refuse', { method: 'POST', headers: { 'content-length': 8 * MIB } });
    sent.write(Buffer.alloc(MIB));
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    expect([answer.statusCode, JSON.parse(await textOf(answer))]).toEqual([413, { detail: 'too large' }]);
    // The client may send the rest.
    sent.end(Buffer.alloc(7 * MIB));
    await once(sent, 'close');
  });

  it('keep ranges, cookies and answers without a body', async () => {
    const part = await fetchOne('/range', { headers: { range: 'bytes=1-2' } });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([
      ...[206, 'bytes 1-2/4'],
      'bc',
    ]);
    expect(part.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(owner.observed.headers.range).toBe('bytes=1-2');
    const unchanged = await fetchOne('/range', { headers: { 'if-none-match': '"x"' } });
    expect([unchanged.status, await unchanged.text()]).toEqual([304, '']);
    const head = await fetchOne('/range', { method: 'HEAD' });
    expect([head.status, head.headers.get('allow')]).toEqual([405, 'GET']);
  });

  it('lose headers that are for one connection, and trailers', async () => {
    const text = await raw(first.url, [
      `POST /api/conversations/${id}/echo HTTP/1.1`,
      ...['Host: given.example', `X-Session-API-Key: ${KEY}`, 'Content-Type: application/json'],
      ...['Connection: close, X-Secret', 'X-Secret: 1', 'Proxy-Authorization: Basic x', 'TE: trailers'],
      ...['Keep-Alive: timeout=5', 'Trailer: X-Last', 'Transfer-Encoding: chunked', 'Expect: 100-continue'],
      ...['X-Twice: 1', 'X-Twice: 2', 'X-Forwarded-For: 10.0.0.1', ''],
      ...['2', '{}', '0', 'X-Last: 1', '', ''],
    ]);
    expect(text).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 201 Created\r\n/);
    const { headers } = JSON.parse(text.slice(text.indexOf('{"server"'), text.lastIndexOf('}') + 1)) as {
      headers: Record<string, string>;
    };
    expect(headers).toMatchObject({
      host: 'given.example',
      'x-twice': '1, 2',
      'x-forwarded-for': '10.0.0.1',
    });
    for (const name of ['x-secret', 'proxy-authorization', 'te', 'trailer', 'expect', 'x-openhands-hop'])
      expect(headers).not.toHaveProperty(name);
    expect(headers['connection']).toBe('keep-alive');
  });

  it('keep the length of a body that Connection names', async () => {
    const hidden = `GET /api/conversations/${id}/range HTTP/1.1\r\nHost: a\r\nX-Session-API-Key: ${KEY}\r\n\r\n`;
    const text = await raw(first.url, [
      `GET /api/conversations/${id}/events/search HTTP/1.1`,
      ...['Host: given.example', `X-Session-API-Key: ${KEY}`, 'Connection: close, Content-Length'],
      ...[`Content-Length: ${hidden.length}`, '', hidden],
    ]);
    expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    await (await fetchOne('/events/search')).json();
    expect(owner.observed.calls).toEqual(['owner read', 'owner read']);
  });

  it('are passed on with a pass, however many headers the client sends', async () => {
    const many = Array.from({ length: 1_100 }, (_, index) => `a${index}: 1`);
    const text = await raw(first.url, [
      `GET /api/conversations/${id}/events/search HTTP/1.1`,
      ...['Host: given.example', `X-Session-API-Key: ${KEY}`, 'Connection: close', ...many, '', ''],
    ]);
    // Newer versions of Node refuse so many by themselves.
    expect(text).toMatch(/^HTTP\/1.1 (431 |200 OK\r\n[^]*"host":"given.example")/);
  });

  it('work for a client that names a host of any length', async () => {
    const text = await raw(first.url, [
      `GET /api/conversations/${id}/events/search HTTP/1.1`,
      ...[`Host: ${'a'.repeat(5_000)}`, `X-Session-API-Key: ${KEY}`, 'Connection: close', '', ''],
    ]);
    expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*"server":"owner"/);
  });

  it('work for a client of HTTP/1.0', async () => {
    const text = await raw(first.url, [
      `GET /api/conversations/${id}/file/download/70000 HTTP/1.0`,
      ...[`X-Session-API-Key: ${KEY}`, '', ''],
    ]);
    expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(text.slice(text.indexOf('\r\n\r\n') + 4)).toHaveLength(70_000);
  });

  it('share connections between the servers', async () => {
    const before = owner.observed.connections;
    for (let count = 0; count < 20; count += 1) await (await fetchOne('/events/search')).json();
    expect(owner.observed.connections - before).toBeLessThanOrEqual(2);
  });

  it('do not share them with streams of events, which would use them up', async () => {
    await (await fetchOne('/events/search')).json();
    const before = owner.observed.connections;
    const stream = open('/events/stream').end();
    await eventually(() => owner.observed.streams.length === 1, 'the stream');
    expect(owner.observed.connections - before).toBe(1);
    stream.destroy();
    await eventually(() => owner.observed.ends.length === 1, 'the end of the stream');
  });

  it('stay here if the conversation is here', async () => {
    id = cluster.conversationAt(first.id);
    expect(await (await fetchOne('')).json()).toMatchObject({ server: 'first' });
    expect(owner.observed.calls).toEqual([]);
  });
});

/** Sends lines and resolves with all that is answered until the connection ends. */
async function raw(url: string, lines: readonly string[]): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(lines.join('\r\n'));
  let text = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) text += chunk.toString('latin1');
  return text;
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Waits until a number has not changed for a while: everything that can be buffered is. */
async function settled(value: () => number): Promise<void> {
  let [last, since] = [value(), Date.now()];
  await eventually(() => {
    if (value() !== last) [last, since] = [value(), Date.now()];
    return Date.now() - since > 300;
  }, 'a number that stays');
}
