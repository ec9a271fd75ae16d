import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { load, loadAll, YAML11_SCHEMA } from 'js-yaml';
import { loadConfig } from '../../src/config/index.js';
import { ROOT } from '../support/checkout.js';
import { readDockerfile } from '../support/dockerfile.js';

/** The time that a server may take to shut down, in seconds (src/cli/shutdown.ts). */
const SHUTDOWN_SECONDS = 10;
const SERVERS = ['agent-1', 'agent-2', 'agent-3'];

/** A part of a YAML document. */
type Part = Record<string, unknown>;

const read = (file: string) => readFile(path.join(ROOT, file), 'utf8');

/** The variables of an environment that the server does not know. */
function unknownVariables(names: readonly string[]): string[] {
  const env = Object.fromEntries(names.filter((name) => !name.endsWith('_FILE')).map((name) => [name, '']));
  const { warnings } = loadConfig({ env: { ...env, OH_SERVER_URL: 'http://agent-1:8000' }, cwd: ROOT });
  return warnings.filter((warning) => warning.includes('unknown variable'));
}

describe('compose.cluster.yaml', () => {
  let file: { services: Record<string, Part>; volumes: Part; secrets: Record<string, { file: string }> };
  beforeAll(async () => {
    // With the merge keys of YAML 1.1, as Docker reads it.
    file = load(await read('compose.cluster.yaml'), { schema: YAML11_SCHEMA }) as typeof file;
  });

  it('starts three servers that differ in their addresses only', () => {
    const servers = SERVERS.map((name) => {
      const { environment, ...rest } = file.services[name] ?? {};
      const { OH_SERVER_URL: url, ...others } = environment as Record<string, string>;
      expect(url).toBe(`http://${name}:8000`);
      return { ...rest, environment: others };
    });
    expect(servers[1]).toEqual(servers[0]);
    expect(servers[2]).toEqual(servers[0]);
    expect(unknownVariables(Object.keys(servers[0]?.environment ?? {}))).toEqual([]);
  });

  it('gives the servers a shared volume, keys in files, and time to stop', async () => {
    const server = file.services['agent-1'] ?? {};
    const { instructions } = await readDockerfile();
    const volume = instructions.find(({ name }) => name === 'VOLUME')?.text;
    expect(server['volumes']).toEqual([`workspace:${volume}`]);
    expect(server['environment']).toMatchObject({ OH_WORKSPACES_SHARED: '1' });
    expect(Number(/^(\d+)s$/.exec(String(server['stop_grace_period']))?.[1])).toBeGreaterThan(
      SHUTDOWN_SECONDS,
    );
    const files = Object.entries(server['environment'] as Record<string, string>)
      .filter(([name]) => name.endsWith('_FILE'))
      .map(([, value]) => path.basename(value));
    expect(files).toEqual(server['secrets']);
  });

  it('declares each secret and volume that a service uses', () => {
    const used = Object.values(file.services).flatMap(({ secrets }) => (secrets ?? []) as string[]);
    expect(Object.keys(file.secrets).sort()).toEqual([...new Set(used)].sort());
    for (const { file: secret } of Object.values(file.secrets)) expect(secret).toMatch(/^\.\/secrets\//);
    const volumes = Object.values(file.services).flatMap(({ volumes: list }) => (list ?? []) as string[]);
    const named = volumes.map((volume) => volume.split(':')[0] ?? '').filter((name) => !name.startsWith('.'));
    expect(Object.keys(file.volumes).sort()).toEqual([...new Set(named)].sort());
  });

  it('puts nginx before all servers, with the port that it publishes', async () => {
    const text = await read('deploy/nginx-cluster.conf');
    const servers = [...text.matchAll(/^\s+server (\S+):8000 resolve/gm)].map(([, name]) => name);
    expect(servers).toEqual(SERVERS);
    const balancer = file.services['balancer'] ?? {};
    expect(balancer['volumes']).toEqual(['./deploy/nginx-cluster.conf:/etc/nginx/conf.d/default.conf:ro']);
    expect(balancer['ports']).toEqual([expect.stringMatching(/^127\.0\.0\.1:.*:8080$/)]);
    expect(text).toContain('listen 8080;');
    // `resolve` of open source nginx.
    expect(balancer['image']).toMatch(/^nginx:1\.(?:2[89]|[3-9]\d)\./);
  });

  it('pins its images', () => {
    const images = Object.values(file.services).map(({ image }) => String(image));
    expect(images.filter((image) => !/^openhands-agent-server$|:\d+\.\d+/.test(image))).toEqual([]);
  });
});

describe('the manifest of Kubernetes', () => {
  let objects: Part[];
  let pod: Part;
  let container: Part;
  const labels = { 'app.kubernetes.io/name': 'agent-server' };

  beforeAll(async () => {
    objects = loadAll(await read('deploy/kubernetes/agent-server.yaml')) as Part[];
    pod = at(object('Deployment'), 'spec', 'template', 'spec') as Part;
    container = (pod['containers'] as Part[])[0] ?? {};
  });

  function object(kind: string): Part {
    const found = objects.filter((it) => it['kind'] === kind);
    expect(found).toHaveLength(1);
    return found[0] ?? {};
  }

  function at(part: unknown, ...keys: string[]): unknown {
    return keys.reduce<unknown>((inner, key) => (inner as Part | undefined)?.[key], part);
  }

  it('selects the same pods in all objects', () => {
    expect(at(object('Deployment'), 'spec', 'template', 'metadata', 'labels')).toEqual(labels);
    expect(at(object('Deployment'), 'spec', 'selector', 'matchLabels')).toEqual(labels);
    expect(at(object('Service'), 'spec', 'selector')).toEqual(labels);
    expect(at(object('PodDisruptionBudget'), 'spec', 'selector', 'matchLabels')).toEqual(labels);
  });

  it('never takes away all servers at once', () => {
    expect(at(object('Deployment'), 'spec', 'strategy', 'rollingUpdate')).toEqual({
      maxSurge: 1,
      maxUnavailable: 0,
    });
    const replicas = Number(at(object('Deployment'), 'spec', 'replicas'));
    expect(Number(at(object('PodDisruptionBudget'), 'spec', 'minAvailable'))).toBeLessThan(replicas);
  });

  it('asks the port of the server for its health, and restarts nothing while the database is away', () => {
    const ports = container['ports'] as Part[];
    expect(ports).toEqual([{ name: 'http', containerPort: 8000 }]);
    expect((at(object('Service'), 'spec', 'ports') as Part[])[0]).toMatchObject({ targetPort: 'http' });
    const probe = (name: string) => at(container[name], 'httpGet');
    expect(probe('livenessProbe')).toEqual({ path: '/alive', port: 'http' });
    expect(probe('startupProbe')).toEqual({ path: '/alive', port: 'http' });
    expect(probe('readinessProbe')).toEqual({ path: '/ready', port: 'http' });
  });

  it('gives a server more time to stop than it needs', () => {
    const [, before] = at(container['lifecycle'], 'preStop', 'exec', 'command') as string[];
    expect(Number(pod['terminationGracePeriodSeconds'])).toBeGreaterThan(Number(before) + SHUTDOWN_SECONDS);
  });

  it('mounts the volumes that it declares, and reads the keys from files', async () => {
    const mounts = container['volumeMounts'] as { name: string; mountPath: string }[];
    const volumes = pod['volumes'] as { name: string }[];
    expect(mounts.map(({ name }) => name)).toEqual(volumes.map(({ name }) => name));
    expect(at(volumes[0], 'persistentVolumeClaim', 'claimName')).toBe(
      at(object('PersistentVolumeClaim'), 'metadata', 'name'),
    );
    expect(at(object('PersistentVolumeClaim'), 'spec', 'accessModes')).toEqual(['ReadWriteMany']);
    const { instructions } = await readDockerfile();
    expect(mounts[0]?.mountPath).toBe(instructions.find(({ name }) => name === 'VOLUME')?.text);
    const env = container['env'] as { name: string; value?: string }[];
    const files = env.filter(({ name }) => name.endsWith('_FILE'));
    const text = await read('deploy/kubernetes/agent-server.yaml');
    for (const { value = '' } of files) {
      expect(path.dirname(value)).toBe(mounts[1]?.mountPath);
      // The comment shows how the secret is made.
      expect(text).toContain(`--from-literal=${path.basename(value)}=`);
    }
    expect(unknownVariables(env.map(({ name }) => name))).toEqual([]);
  });

  it('gives agents neither root nor the API of the cluster', () => {
    expect(pod['automountServiceAccountToken']).toBe(false);
    expect(pod['securityContext']).toMatchObject({ runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000 });
    expect(container['securityContext']).toEqual({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    });
  });
});
