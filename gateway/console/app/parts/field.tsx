import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

/** What a field's control has to carry, so that its label, hint and problem are said with it. */
export type Control = { id: string; 'aria-describedby'?: string; 'aria-invalid'?: boolean };

type FieldProps = {
  label: string;
  hint?: ComponentChildren;
  /** What is wrong with what stands in it. */
  problem?: string | undefined;
  children: (control: Control) => ComponentChildren;
};

/** A labelled control with its hint, and with what is wrong with it. */
export function Field({ label, hint, problem, children }: FieldProps) {
  const id = useId();
  const described = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, ...(described && { 'aria-describedby': described }), ...(problem && { 'aria-invalid': true }) })}
      {problem && (
        <p class="problem" id={`${id}-problem`}>
          {problem}
        </p>
      )}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}
