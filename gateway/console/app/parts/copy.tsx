import { Button } from './button.tsx';
import { toast } from './toast.tsx';

/** Copies a text. `what` it is stands in the message. */
export function Copy({ text, what, label = 'Copy' }: { text: string; what: string; label?: string }) {
  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      toast(`Copied ${what}.`);
    } catch {
      // Refused outside of https and localhost.
      toast('The browser does not let this page copy. Select the text, and copy it by hand.');
    }
  }
  return (
    <Button icon="copy" onClick={() => void copy()} label={`${label} ${what}`}>
      {label}
    </Button>
  );
}
