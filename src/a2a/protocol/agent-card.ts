import { IMAGE_TYPES, OUTPUT_TYPES } from './message-content.js';

/** Versions of the protocol that are spoken, the preferred one first. Both come by the same URL. */
export const PROTOCOL_VERSIONS = ['1.0', '0.3'] as const;
const BINDING = 'JSONRPC';
/** Beside the endpoint. */
const GUIDE = 'guides/docs/a2a.md';

const OF_KEYS = 'A key of the server.';
const KEY_HEADER = 'X-Session-API-Key';

/** Headers that a key is shown in, by the name of their scheme, in the form of each version. */
const SCHEMES = {
  bearer: {
    current: { httpAuthSecurityScheme: { scheme: 'bearer', description: OF_KEYS } },
    legacy: { type: 'http', scheme: 'bearer', description: OF_KEYS },
  },
  sessionKey: {
    current: { apiKeySecurityScheme: { location: 'header', name: KEY_HEADER, description: OF_KEYS } },
    legacy: { type: 'apiKey', in: 'header', name: KEY_HEADER, description: OF_KEYS },
  },
};

/** Where the server is, and what it is. */
export interface CardFacts {
  /** Of the endpoint. */
  url: string;
  version: string;
  needsKey: boolean;
}

/** What the agent can do, for clients and for the handlers of the SDK. */
export const CAPABILITIES = { streaming: true, pushNotifications: false };

/**
 * What others are told about the agent before they have a key. Nothing of it depends on what is stored: which
 * models and tools it has is nobody's business here.
 * @see https://a2a-protocol.org/latest/specification/#441-agentcard
 */
export function currentCard(facts: CardFacts): object {
  const names = schemesOf(facts);
  return {
    ...sharedFields(facts),
    securitySchemes: Object.fromEntries(names.map((name) => [name, SCHEMES[name].current])),
    securityRequirements: names.map((name) => ({ schemes: { [name]: { list: [] } } })),
  };
}

/**
 * The card for clients of version 0.3, and for those that do not say which they speak: it has the fields of
 * both (https://a2a-protocol.org/v0.3.0/specification/#5-agent-discovery-the-agent-card).
 */
export function legacyCard(facts: CardFacts): object {
  const names = schemesOf(facts);
  return {
    protocolVersion: '0.3.0',
    url: facts.url,
    preferredTransport: BINDING,
    ...sharedFields(facts),
    securitySchemes: Object.fromEntries(names.map((name) => [name, SCHEMES[name].legacy])),
    security: names.map((name) => ({ [name]: [] })),
  };
}

function sharedFields({ url, version }: CardFacts): object {
  return {
    name: 'OpenHands',
    description:
      'A software agent that works in a workspace: it edits files, runs commands and reports what it has done.',
    supportedInterfaces: PROTOCOL_VERSIONS.map((protocolVersion) => ({
      url,
      protocolBinding: BINDING,
      protocolVersion,
    })),
    version,
    documentationUrl: new URL(GUIDE, url).href,
    capabilities: CAPABILITIES,
    defaultInputModes: ['text/plain', ...IMAGE_TYPES],
    defaultOutputModes: OUTPUT_TYPES,
    skills: [
      {
        id: 'work-in-workspace',
        name: 'Work in a workspace',
        description: 'Does a task of software development, or another one that files and commands can do.',
        tags: ['coding', 'shell', 'files'],
        examples: ['Find out why the tests fail, and mend it.', 'Write a summary of the files in docs/.'],
      },
    ],
  };
}

function schemesOf({ needsKey }: CardFacts): (keyof typeof SCHEMES)[] {
  return needsKey ? ['bearer', 'sessionKey'] : [];
}
