import { textContent, type ToolAnnotations } from '../../events/index.js';
import { isObject } from '../arguments/parse-arguments.js';
import { statelessTool } from '../stateless-tool.js';
import type { ToolDefinition, ToolSchema } from '../tool.js';

/** A tool that the client executes, as the wire has it. */
export interface ClientToolSpec {
  name: string;
  description: string;
  /** JSON schema of the arguments, an object. */
  parameters: Record<string, unknown>;
  annotations: (Omit<ToolAnnotations, 'title'> & { title: string | null }) | null;
}

/** What providers take as the name of a tool. */
const NAME = /^[a-zA-Z0-9_-]{1,64}$/;

/** Of a tool that nothing is known of the worst is assumed (the defaults of MCP). */
const UNKNOWN: ToolAnnotations = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: false,
  openWorldHint: true,
};

/**
 * A tool of the client for the agent: its calls are checked against the client's schema and answered at once. The client
 * sees them as events, does what they say, and tells the agent in a message.
 */
export function clientToolDefinition({
  name,
  description,
  parameters,
  annotations,
}: ClientToolSpec): ToolDefinition {
  const definition: ToolDefinition = {
    name,
    kind: 'ClientTool',
    actionKind: `ClientAction_${name}`,
    observationKind: 'ClientToolObservation',
    title: annotations?.title ?? name,
    description,
    annotations: annotations ? { ...annotations, title: annotations.title ?? undefined } : UNKNOWN,
    schema: toSchema(parameters),
    create: () => statelessTool(definition, () => [textContent('Tool call dispatched to client.')]),
  };
  return definition;
}

/** What is wrong with a tool of the client, in a sentence; undefined: nothing. */
export function clientToolProblem({ name, parameters }: ClientToolSpec): string | undefined {
  if (!NAME.test(name)) {
    return 'A client tool name has 1 to 64 letters, digits, underscores and hyphens; models take no others.';
  }
  const { type = 'object', properties = {}, required = [] } = parameters;
  const isSchema = type === 'object' && isObject(properties) && Array.isArray(required);
  return isSchema ? undefined : `The parameters of client tool '${name}' are no JSON schema of an object.`;
}

function toSchema({ properties, required, $defs }: Record<string, unknown>): ToolSchema {
  const fields = isObject(properties) ? Object.entries(properties) : [];
  const names = Array.isArray(required) ? required.filter((field) => typeof field === 'string') : [];
  return {
    type: 'object',
    properties: Object.fromEntries(fields.map(([field, schema]) => [field, isObject(schema) ? schema : {}])),
    ...(names.length > 0 ? { required: names } : {}),
    ...(isObject($defs) ? { $defs } : {}),
  };
}
