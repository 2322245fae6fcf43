import { useState } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { toast } from '../parts/toast.tsx';

/** Takes a text along. Where the browser does not allow it (over plain HTTP, from another machine), the text is shown instead. */
export function Copy({ children, said, text }: { children: string; said: string; text: () => string }) {
  const [shown, setShown] = useState<string | undefined>(undefined);
  async function copy(): Promise<void> {
    const copied = text();
    try {
      await navigator.clipboard.writeText(copied);
      toast(said);
    } catch {
      setShown(copied);
    }
  }
  return (
    <>
      <Button icon="copy" onClick={() => void copy()}>
        {children}
      </Button>
      {shown !== undefined && (
        <Dialog title={children} close={() => setShown(undefined)}>
          <p class="hint">The browser does not let this page copy. Copy it from here:</p>
          <textarea
            class="mono"
            rows={12}
            readOnly
            aria-label={children}
            value={shown}
            onFocus={event => event.currentTarget.select()}
          />
        </Dialog>
      )}
    </>
  );
}
