import { LabIcon } from '@jupyterlab/ui-components';

const BARS = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16">
  <g class="jp-icon3 jp-icon-selectable" fill="#616161">
    <rect x="2" y="2.5" width="12" height="2.6"/>
    <rect x="2" y="6.7" width="9" height="2.6"/>
    <rect x="2" y="10.9" width="5.5" height="2.6"/>
  </g>
</svg>`;

/** Three bars: use of memory, as the sidebar shows it. */
export const barsIcon = new LabIcon({ name: 'aim-jupyter:bars', svgstr: BARS });
