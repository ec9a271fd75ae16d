import { AgentCard, type AgentInterface, type SecurityScheme } from '@a2a-js/sdk';
import { IMAGE_TYPES, OUTPUT_TYPES } from './message-content.js';

/** Versions of the protocol that are spoken, the preferred one first. Both come by the same URL. */
export const PROTOCOL_VERSIONS = ['1.0', '0.3'] as const;
const BINDING = 'JSONRPC';
const GUIDE = '../guides/docs/a2a.md';

/** Headers that a key is shown in, by the name of their scheme. */
const SCHEMES: Readonly<Record<string, SecurityScheme & { legacy: object }>> = {
  bearer: {
    scheme: {
      $case: 'httpAuthSecurityScheme',
      value: { scheme: 'bearer', bearerFormat: '', description: 'A key of the server.' },
    },
    legacy: { type: 'http', scheme: 'bearer', description: 'A key of the server.' },
  },
  sessionKey: {
    scheme: {
      $case: 'apiKeySecurityScheme',
      value: { location: 'header', name: 'X-Session-API-Key', description: 'A key of the server.' },
    },
    legacy: { type: 'apiKey', in: 'header', name: 'X-Session-API-Key', description: 'A key of the server.' },
  },
};

/** Where the server is, and what it is. */
export interface CardFacts {
  /** Of the endpoint. */
  url: string;
  version: string;
  needsKey: boolean;
}

/**
 * What others are told about the agent before they have a key. Nothing of it depends on what is stored: which
 * models and tools it has is nobody's business here.
 */
export function agentCard({ url, version, needsKey }: CardFacts): AgentCard {
  const interfaces = PROTOCOL_VERSIONS.map((protocolVersion): AgentInterface => {
    return { url, protocolBinding: BINDING, tenant: '', protocolVersion };
  });
  const names = needsKey ? Object.keys(SCHEMES) : [];
  return {
    name: 'OpenHands',
    description:
      'A software agent that works in a workspace: it edits files, runs commands and reports what it has done.',
    supportedInterfaces: interfaces,
    provider: undefined,
    version,
    documentationUrl: new URL(GUIDE, url).href,
    capabilities: { streaming: true, pushNotifications: false, extensions: [], extendedAgentCard: false },
    securitySchemes: Object.fromEntries(names.map((name) => [name, { scheme: SCHEMES[name]?.scheme }])),
    securityRequirements: names.map((name) => ({ schemes: { [name]: { list: [] } } })),
    defaultInputModes: ['text/plain', ...IMAGE_TYPES],
    defaultOutputModes: [...OUTPUT_TYPES],
    skills: [
      {
        id: 'work-in-workspace',
        name: 'Work in a workspace',
        description: 'Does a task of software development, or another one that files and commands can do.',
        tags: ['coding', 'shell', 'files'],
        examples: ['Find out why the tests fail, and mend it.', 'Write a summary of the files in docs/.'],
        inputModes: [],
        outputModes: [],
        securityRequirements: [],
      },
    ],
    signatures: [],
  };
}

/** The card as JSON, for clients of version 1.0. */
export function currentCard(card: AgentCard): unknown {
  return AgentCard.toJSON(card);
}

/**
 * The card for clients of version 0.3, and for those that do not say which they speak: it has the fields of
 * both (https://a2a-protocol.org/v0.3.0/specification/#5-agent-discovery-the-agent-card).
 */
export function legacyCard(card: AgentCard): object {
  const { name, description, version, documentationUrl, defaultInputModes, defaultOutputModes } = card;
  const schemes = Object.keys(card.securitySchemes);
  return {
    protocolVersion: '0.3.0',
    name,
    description,
    url: card.supportedInterfaces[0]?.url,
    preferredTransport: BINDING,
    supportedInterfaces: card.supportedInterfaces.map(({ url, protocolBinding, protocolVersion }) => {
      return { url, protocolBinding, protocolVersion };
    }),
    version,
    documentationUrl,
    capabilities: { streaming: true, pushNotifications: false },
    securitySchemes: Object.fromEntries(schemes.map((scheme) => [scheme, SCHEMES[scheme]?.legacy])),
    security: schemes.map((scheme) => ({ [scheme]: [] })),
    defaultInputModes,
    defaultOutputModes,
    skills: card.skills.map(({ id, name, description, tags, examples }) => {
      return { id, name, description, tags, examples };
    }),
  };
}
