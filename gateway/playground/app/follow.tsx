import { useGraphiQL } from '@graphiql/react';
import { useEffect } from 'react';

/** Keeps the newest result of a log in sight, unless the reader has scrolled away from it. */
export function FollowLog() {
  const editor = useGraphiQL(({ responseEditor }) => responseEditor);
  useEffect(() => {
    if (!editor) return;
    let following = true;
    // What the reader does, and not what a new text does to the view.
    const pane = editor.getDomNode();
    const scrolled = () => {
      const bottom = editor.getScrollTop() + editor.getLayoutInfo().height;
      following = bottom >= editor.getScrollHeight() - NEAR_PX;
    };
    pane?.addEventListener('wheel', scrolled);
    const changed = editor.onDidChangeModelContent(() => {
      const model = editor.getModel();
      if (!model || !/^\{\s*("notShown": \d+,\s*)?"log": \[/.test(model.getValue().slice(0, 80))) {
        following = true;
        return;
      }
      if (following) editor.revealLine(model.getLineCount());
    });
    return () => {
      pane?.removeEventListener('wheel', scrolled);
      changed.dispose();
    };
  }, [editor]);
  return null;
}

/** This near to the end is at the end. */
const NEAR_PX = 120;
