import { useSignal } from '@preact/signals';
import { messageOf } from '../../../api/api-error.js';
import { Button } from '../../../ui/button.js';
import { EmptyState } from '../../../ui/empty-state.js';
import { Icon } from '../../../ui/icon.js';
import { bytes } from '../../../ui/numbers.js';
import { oneLine, visible } from '../../../ui/safe-text.js';
import { Age } from '../../../ui/time.js';
import { showToast } from '../../../ui/toast.js';
import {
  readCheckpoints,
  restoreFiles,
  type Checkpoint,
  type CheckpointFile,
  type CheckpointPage,
  type RestoreWish,
} from '../insight-api.js';
import type { InsightProps } from '../insight-props.js';
import { useLiveData } from '../live-data.js';
import { PanelFrame } from '../panel-frame.js';
import { ChangeDialog } from './change-dialog.js';
import { ConflictDialog } from './conflict-dialog.js';
import { conflictsOf, type Conflict } from './conflicts.js';

const FIRST_STEPS = 20;
/** The most that the server has in one page. */
const ALL_STEPS = 100;
const FIRST_FILES = 12;
const MARKS = { created: 'A', modified: 'M', deleted: 'D' } as const;
const LABELS = { created: 'new', modified: 'changed', deleted: 'deleted' } as const;

/** What each step has done to the files, and the way back. */
export function ChangesPanel({ conversationId, info, onShowEvent }: InsightProps) {
  const limit = useSignal(FIRST_STEPS);
  const live = useLiveData(info, `${conversationId} ${limit.value}`, () =>
    readCheckpoints(conversationId, limit.value),
  );
  return (
    <PanelFrame live={live}>
      {(page) => (
        <Steps
          page={page}
          conversationId={conversationId}
          isRunning={info.value?.execution_status === 'running'}
          onShowEvent={onShowEvent}
          onChanged={live.reload}
          onMore={
            page.next_page_id === null || limit.value >= ALL_STEPS
              ? undefined
              : () => (limit.value = ALL_STEPS)
          }
        />
      )}
    </PanelFrame>
  );
}

interface StepsProps {
  page: CheckpointPage;
  conversationId: string;
  isRunning: boolean;
  onShowEvent: (eventId: string) => void;
  onChanged: () => void;
  onMore: (() => void) | undefined;
}

function Steps({ page, conversationId, isRunning, onShowEvent, onChanged, onMore }: StepsProps) {
  const opened = useSignal<{ step: Checkpoint; file: CheckpointFile } | null>(null);
  const refused = useSignal<{ wish: RestoreWish; conflicts: Conflict[] } | null>(null);
  const busy = useSignal(false);
  const restore = async (wish: RestoreWish, force = false): Promise<void> => {
    busy.value = true;
    refused.value = null;
    try {
      const { checkpoint, failed } = await restoreFiles(conversationId, wish, force);
      opened.value = null;
      if (checkpoint === null) showToast('All files are as they were then.');
      else {
        const count = checkpoint.files.length;
        const undo = (): void => void restore({ step: checkpoint.step, mode: 'only', paths: null });
        const problem = failed.length > 0 ? ` ${failed.length} could not be written.` : '';
        showToast(`Restored ${count} ${count === 1 ? 'file' : 'files'}.${problem}`, {
          kind: failed.length > 0 ? 'error' : 'info',
          action: { label: 'Undo', run: undo },
        });
      }
      onChanged();
    } catch (error) {
      const conflicts = conflictsOf(error);
      if (conflicts) refused.value = { wish, conflicts };
      else showToast(messageOf(error), { kind: 'error' });
    } finally {
      busy.value = false;
    }
  };
  if (page.items.length === 0) {
    return (
      <EmptyState title="No file was changed yet">
        Each step that changes files of the workspace is listed here, with what they were before.
      </EmptyState>
    );
  }
  return (
    <>
      <p class="insight-soft">
        {isRunning ? 'Files can be restored when the agent has ended or is paused. ' : ''}
        {bytes(page.bytes)} of {bytes(page.max_bytes)} kept
        {page.dropped > 0 && `, without the first ${page.dropped} steps`}.
      </p>
      <ol class="change-steps">
        {page.items.map((step) => (
          <Step
            key={step.step}
            step={step}
            canRestore={!isRunning && !busy.value}
            onShowEvent={onShowEvent}
            onOpen={(file) => (opened.value = { step, file })}
            onRestore={(mode) => void restore({ step: step.step, mode, paths: null })}
          />
        ))}
      </ol>
      {onMore && <Button onClick={onMore}>Show more steps</Button>}
      {opened.value && (
        <ChangeDialog
          conversationId={conversationId}
          step={opened.value.step}
          file={opened.value.file}
          canRestore={!isRunning && !busy.value}
          onRestore={() => {
            const { step, file } = opened.value ?? {};
            if (step && file) void restore({ step: step.step, mode: 'since', paths: [file.path] });
          }}
          onClose={() => (opened.value = null)}
        />
      )}
      {refused.value && (
        <ConflictDialog
          conflicts={refused.value.conflicts}
          onForce={() => {
            if (refused.value) void restore(refused.value.wish, true);
          }}
          onClose={() => (refused.value = null)}
        />
      )}
    </>
  );
}

interface StepProps {
  step: Checkpoint;
  canRestore: boolean;
  onShowEvent: (eventId: string) => void;
  onOpen: (file: CheckpointFile) => void;
  onRestore: (mode: RestoreWish['mode']) => void;
}

function Step({ step, canRestore, onShowEvent, onOpen, onRestore }: StepProps) {
  const showsAll = useSignal(false);
  const files = showsAll.value ? step.files : step.files.slice(0, FIRST_FILES);
  const isRestore = step.restore !== null;
  const title = isRestore ? 'Restored by a person' : oneLine(step.tool, 60);
  return (
    <li class="change-step">
      <div class="change-head">
        <span class="change-number">{step.step}</span>
        {step.event_id !== null && step.seq !== null ? (
          <button type="button" class="change-title" onClick={() => onShowEvent(step.event_id ?? '')}>
            {title}
          </button>
        ) : (
          <span class="change-title">{title}</span>
        )}
        <span class="insight-soft">
          <Age at={step.ended_at} />
        </span>
        <Button
          kind="quiet"
          disabled={!canRestore || step.files.length === 0}
          title={isRestore ? 'Take this restore back' : 'Undo this step and all later ones'}
          onClick={() => onRestore(isRestore ? 'only' : 'since')}
        >
          <Icon name="undo" />
          {isRestore ? 'Undo' : 'Restore to before'}
        </Button>
      </div>
      <ul class="file-list">
        {files.map((file) => (
          <li key={file.path} class={file.change === 'deleted' ? 'deleted' : undefined}>
            <span
              class={`file-mark ${LABELS[file.change]}`}
              title={LABELS[file.change]}
              role="img"
              aria-label={LABELS[file.change]}
            >
              {MARKS[file.change]}
            </span>
            <button type="button" class="file-name" onClick={() => onOpen(file)}>
              <b>{visible(file.path)}</b>
              {file.renamed_from !== null && (
                <span class="file-folder"> from {visible(file.renamed_from)}</span>
              )}
            </button>
          </li>
        ))}
      </ul>
      {step.files.length > files.length && (
        <Button kind="quiet" onClick={() => (showsAll.value = true)}>
          Show all {step.files.length.toLocaleString()} files
        </Button>
      )}
      {step.incomplete.map(({ reason, detail }) => (
        <p key={`${reason} ${detail}`} class="insight-soft">
          Not complete ({oneLine(reason.replaceAll('_', ' '), 40)}): {oneLine(detail, 200)}
        </p>
      ))}
    </li>
  );
}
