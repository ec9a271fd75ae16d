import path from 'node:path';
import { textContent, type Observation } from '../../events/index.js';
import type { FileRules } from '../../files/index.js';
import { functionTool, textArgument } from '../function-tool.js';
import type { ToolDefinition } from '../tool.js';
import { parsePatch, patchedPaths } from './parse-patch.js';
import { applyPlan, planPatch } from './patch-files.js';
import { PatchError } from './patch-error.js';
import { PatchedWorkspace } from './patched-workspace.js';

/** Lets the agent change several files at once with a patch in the format that OpenAI models know. */
export const applyPatchDefinition: ToolDefinition = {
  name: 'apply_patch',
  kind: 'ApplyPatchTool',
  actionKind: 'ApplyPatchAction',
  observationKind: 'ApplyPatchObservation',
  title: 'apply_patch',
  description:
    "Apply unified text patches to files in the workspace. Input must start with '*** Begin Patch' and end with " +
    "'*** End Patch'. A patch is applied as a whole or not at all.\n\n" +
    'Between them comes a section for each file:\n' +
    '* `*** Add File: <path>`, then the lines of the file, each behind a `+`.\n' +
    '* `*** Delete File: <path>`.\n' +
    '* `*** Update File: <path>`, then `*** Move to: <new path>` if it is to be renamed, then hunks. A hunk begins ' +
    'with `@@`, or with `@@ ` and a line above it that tells where it is; its lines begin with a space (stays), `-` ' +
    '(goes) or `+` (comes). Give about three lines around each change. `*** End of File` says that the hunk is at ' +
    'the end.\n\nPaths are relative to the workspace.',
  annotations: {
    title: 'apply_patch',
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: false,
    openWorldHint: false,
  },
  schema: {
    type: 'object',
    properties: {
      patch: {
        type: 'string',
        description: "Patch content following the '*** Begin Patch' ... '*** End Patch' format.",
      },
    },
    required: ['patch'],
  },
  create: ({ workingDir, confinement }) =>
    functionTool(applyPatchDefinition, {
      touches: (args) =>
        patchedPaths(textArgument(args, 'patch') ?? '').map((file) => ({
          kind: 'file',
          key: path.resolve(workingDir, file),
        })),
      execute: (args, { signal }) =>
        applyPatch(textArgument(args, 'patch') ?? '', { workingDir, rules: confinement?.files }, signal),
    }),
};

async function applyPatch(
  patch: string,
  { workingDir, rules }: { workingDir: string; rules: FileRules | undefined },
  signal: AbortSignal,
): Promise<Observation> {
  const kind = applyPatchDefinition.observationKind;
  try {
    const workspace = await PatchedWorkspace.open(workingDir, rules);
    const plan = await planPatch(parsePatch(patch), workspace, signal);
    signal.throwIfAborted();
    await applyPlan(plan, workspace);
    const { changes, fuzz } = plan;
    const message = 'Done!';
    return { content: [textContent(message)], is_error: false, message, fuzz, commit: { changes }, kind };
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    return { content: [textContent(error.message)], is_error: true, message: '', fuzz: 0, kind };
  }
}
