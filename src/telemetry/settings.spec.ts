import { chooseTelemetry } from './settings.js';

describe('chooseTelemetry', () => {
  const settings = (env: NodeJS.ProcessEnv) => chooseTelemetry(env).settings;
  const url = (env: NodeJS.ProcessEnv) => settings(env)?.url;

  it('is off without an address, and where it is switched off', () => {
    const address = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
    expect(settings({})).toBeUndefined();
    expect(settings({ OTEL_EXPORTER_OTLP_ENDPOINT: ' ', OTEL_SERVICE_NAME: 'x' })).toBeUndefined();
    expect(settings({ ...address, OTEL_SDK_DISABLED: 'true' })).toBeUndefined();
    expect(chooseTelemetry({ ...address, OTEL_TRACES_EXPORTER: 'none' })).toEqual({
      settings: undefined,
      warnings: [],
    });
  });

  it('completes the path of addresses as OpenTelemetry and the original do', () => {
    const traces = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://c/in?a=b' };
    const general = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318/base/' };
    expect(url({ ...traces, ...general })).toBe('https://c/in?a=b');
    expect(url(general)).toBe('http://c:4318/base/v1/traces');
    expect(url({ OTEL_ENDPOINT: 'http://c:4318' })).toBe('http://c:4318/v1/traces');
    expect(url({ OTEL_ENDPOINT: 'http://c:4318/mine' })).toBe('http://c:4318/mine');
    expect(url({ OTEL_TRACES_EXPORTER: 'otlp' })).toBe('http://localhost:4318/v1/traces');
  });

  it('sends to Laminar with its key', () => {
    expect(settings({ LMNR_PROJECT_API_KEY: 'k', OTEL_ENDPOINT: 'http://c' })).toMatchObject({
      url: 'https://api.lmnr.ai/v1/traces',
      headers: { authorization: 'Bearer k' },
      laminar: true,
    });
    const own = { LMNR_PROJECT_API_KEY: 'k', LMNR_BASE_URL: 'http://lmnr', LMNR_HTTP_PORT: '8000' };
    expect(url(own)).toBe('http://lmnr:8000/v1/traces');
  });

  it('says what it does in place of gRPC', () => {
    expect(chooseTelemetry({ OTEL_ENDPOINT: 'http://c:4317' })).toMatchObject({
      settings: { url: 'http://c:4318/v1/traces', protocol: 'http/protobuf' },
      warnings: ['gRPC is not supported: traces are sent as http/protobuf to http://c:4318/v1/traces'],
    });
    const named = { OTEL_ENDPOINT: 'http://c:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' };
    expect(chooseTelemetry(named)).toMatchObject({
      settings: { url: 'http://c:4317/v1/traces', protocol: 'http/json' },
      warnings: [],
    });
  });

  it.each([
    [{ OTEL_ENDPOINT: 'collector:4318' }, /OTEL_ENDPOINT is not an http/],
    [{ OTEL_TRACES_EXPORTER: 'zipkin' }, /OTEL_TRACES_EXPORTER=zipkin is not supported/],
  ])('names what is wrong in %p', (env, text) => {
    const { settings: chosen, warnings } = chooseTelemetry(env);
    expect(chosen).toBeUndefined();
    expect(warnings).toEqual([expect.stringMatching(text)]);
  });

  it('reads the headers of the original, and leaves out what no header may contain', () => {
    const { settings: chosen, warnings } = chooseTelemetry({
      OTEL_ENDPOINT: 'http://c',
      OTEL_HEADERS: 'Authorization=Basic%20abc, x-a=1,bad,x-b=%0a,',
    });
    expect(chosen?.headers).toEqual({ authorization: 'Basic abc', 'x-a': '1' });
    expect(warnings).toHaveLength(2);
  });
});
