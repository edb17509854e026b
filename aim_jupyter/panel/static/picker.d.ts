/** A row, as `GET models` answers it. */
export interface IPickable {
  model: string;
  standing: 'running' | 'on disk' | 'to download';
  on_disk: boolean;
  verdict: 'FITS' | 'TIGHT' | 'NO' | null;
  reason: string;
  precision: string | null;
  gpus_needed: number | null;
  weights_gib: number | null;
  users_fit: number | null;
  server: string | null;
  state: string | null;
  shared_by: string | null;
  gpus: string | null;
  does: string[];
}

export interface IPickerState {
  /** null while they are read. */
  models: readonly IPickable[] | null;
  chosen: string;
  offline: boolean;
  /** For what the verdicts are, in words. */
  about: string;
}

export interface IPickerEvents {
  choose: (model: string, isAnother: boolean) => void;
  attach: (server: string) => void;
}

export interface IPicker {
  show: (state: Partial<IPickerState>) => void;
  focus: () => void;
  destroy: () => void;
}

export declare const WORDS: {
  readonly [name in
    | ('label' | 'models' | 'placeholder' | 'reading' | 'clear' | 'count' | 'all' | 'running' | 'starting')
    | ('onDisk' | 'toDownload' | 'attach' | 'sharedBy' | 'called' | 'room' | 'unknownSize' | 'hint')
    | ('hintCounts' | 'none' | 'nearest' | 'lookUp' | 'offline' | 'keys' | 'order')]: string;
};

export declare function createPicker(
  host: HTMLElement,
  on: IPickerEvents,
  words?: typeof WORDS
): IPicker;
export declare function matching<T extends IPickable>(models: readonly T[], text: string): T[];
export declare function nearest<T extends IPickable>(models: readonly T[], text: string): T[];
export declare function size(gib: number): string;
