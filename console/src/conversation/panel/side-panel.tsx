import { Button } from '../../ui/button.js';
import { Icon } from '../../ui/icon.js';
import { TabList } from '../../ui/tab-list.js';
import { INSIGHT_PANELS, type InsightProps } from '../insight/index.js';
import { openPanel, panelWidth, setPanelWidth, type PanelName } from './panel-state.js';

const STEP = 24;

/** The panel beside the events: where time and money went, and what was touched. */
export function SidePanel({ name, ...props }: InsightProps & { name: PanelName }) {
  return (
    <aside class="side-panel" aria-label="Insight" style={{ width: `${panelWidth.value}px` }}>
      <Resizer />
      <div class="side-panel-head">
        <PanelTabs current={name} />
        <Button
          kind="quiet"
          square
          aria-label="Close the panel"
          title="Close the panel (])"
          onClick={() => openPanel(undefined)}
        >
          <Icon name="close" />
        </Button>
      </div>
      <div
        class="side-panel-body"
        role="tabpanel"
        id="panel"
        aria-labelledby={`panel-tab-${name}`}
        tabIndex={0}
      >
        <PanelContent name={name} {...props} />
      </div>
    </aside>
  );
}

/** One panel. */
export function PanelContent({ name, ...props }: InsightProps & { name: PanelName }) {
  const View = INSIGHT_PANELS.find(({ id }) => id === name)?.View;
  return View === undefined ? null : <View key={`${props.conversationId} ${name}`} {...props} />;
}

/** The names of the panels; on narrow screens with the events. */
export function PanelTabs({
  current,
  withEvents = false,
}: {
  current: PanelName | undefined;
  withEvents?: boolean;
}) {
  const panels = INSIGHT_PANELS.map(({ id, label }) => ({ name: id, id: `panel-tab-${id}`, label }));
  const events = { name: undefined, id: 'panel-tab-events', label: 'Events' };
  return (
    <TabList<PanelName | undefined>
      class="panel-tabs"
      label={withEvents ? 'Parts of the conversation' : 'Panels'}
      tabs={withEvents ? [events, ...panels] : panels}
      current={current}
      controls="panel"
      onChoose={openPanel}
    />
  );
}

/** The edge of the panel, which can be dragged, or moved with the arrow keys. */
function Resizer() {
  return (
    <div
      class="resizer"
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the panel"
      aria-valuenow={panelWidth.value}
      tabIndex={0}
      onKeyDown={(event) => {
        const step = event.key === 'ArrowLeft' ? STEP : event.key === 'ArrowRight' ? -STEP : 0;
        if (step === 0) return;
        event.preventDefault();
        setPanelWidth(panelWidth.peek() + step);
      }}
      onPointerDown={(event) => {
        event.preventDefault();
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) setPanelWidth(innerWidth - event.clientX);
      }}
    />
  );
}
