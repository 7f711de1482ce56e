<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
  <context>
    <name>cfinspect</name>
    <message>
      <source>&amp;Edit</source>
      <translation>&amp;Bearbeiten</translation>
    </message>
    <message>
      <source>&amp;File</source>
      <translation>&amp;Datei</translation>
    </message>
    <message>
      <source>&amp;Help</source>
      <translation>&amp;Hilfe</translation>
    </message>
    <message>
      <source>&amp;Model</source>
      <translation>&amp;Modell</translation>
    </message>
    <message>
      <source>&amp;Review</source>
      <translation>&amp;Prüfung</translation>
    </message>
    <message>
      <source>&amp;Tools</source>
      <translation>&amp;Werkzeuge</translation>
    </message>
    <message>
      <source>&amp;View</source>
      <translation>&amp;Ansicht</translation>
    </message>
    <message>
      <source>(waiting: {n})</source>
      <translation>(warten: {n})</translation>
    </message>
    <message>
      <source>({n} times)</source>
      <translation>({n}-mal)</translation>
    </message>
    <message>
      <source>A checkpoint is kept; it can be resumed.</source>
      <translation>Ein Zwischenstand bleibt erhalten; das Training kann fortgesetzt werden.</translation>
    </message>
    <message>
      <source>A folder to learn from</source>
      <translation>Ein Ordner zum Lernen</translation>
    </message>
    <message>
      <source>A job is running</source>
      <translation>Eine Aufgabe läuft</translation>
    </message>
    <message>
      <source>A mask is drawn, and no verdict given yet (M or D).</source>
      <translation>Eine Maske ist gezeichnet, ein Urteil noch nicht gegeben (M oder D).</translation>
    </message>
    <message>
      <source>A model is for one kind of images. For which folders shall it count?</source>
      <translation>Ein Modell ist für eine Art von Bildern. Für welche Ordner soll es gelten?</translation>
    </message>
    <message>
      <source>A photo that the model looks at through windows: cut it into tiles.</source>
      <translation>Ein Foto, das das Modell in Ausschnitten betrachtet: zerlegen Sie es in Kacheln.</translation>
    </message>
    <message>
      <source>A second network paints what the image would look like if it were of the other class: a damaged one repaired, an undamaged one damaged. What it had to change is the damage.

Hold the space bar to blink between both, or press W for a divider. When the painted image does not change the model's mind (it did not flip), the mask is worth less.</source>
      <translation>Ein zweites Netz malt, wie das Bild aussähe, wenn es zur anderen Klasse gehörte: ein beschädigtes repariert, ein unbeschädigtes beschädigt. Was es dafür ändern musste, ist der Schaden.

Halten Sie die Leertaste, um zwischen beiden zu blinken, oder drücken Sie W für eine Trennlinie. Wenn das gemalte Bild das Modell nicht umstimmt (nicht „kippt“), ist die Maske weniger wert.</translation>
    </message>
    <message>
      <source>ACE needs a diffusion model: choose its file.</source>
      <translation>ACE braucht ein Diffusionsmodell: wählen Sie die Datei.</translation>
    </message>
    <message>
      <source>ACE: a counterfactual through a diffusion model</source>
      <translation>ACE: ein Gegenbild durch ein Diffusionsmodell</translation>
    </message>
    <message>
      <source>About cfinspect</source>
      <translation>Über cfinspect</translation>
    </message>
    <message>
      <source>Accept</source>
      <translation>Zustimmen</translation>
    </message>
    <message>
      <source>Accept the model's word</source>
      <translation>Dem Modell zustimmen</translation>
    </message>
    <message>
      <source>Actual size</source>
      <translation>Originalgröße</translation>
    </message>
    <message>
      <source>AdamW's rate for D while it learns as a plain classifier</source>
      <translation>AdamWs Rate für D, solange es als einfacher Klassifikator lernt</translation>
    </message>
    <message>
      <source>AdamW's rate for D, decayed by a cosine</source>
      <translation>AdamWs Rate für D, sinkt als Kosinus</translation>
    </message>
    <message>
      <source>AdamW's rate for G, decayed by a cosine</source>
      <translation>AdamWs Rate für G, sinkt als Kosinus</translation>
    </message>
    <message>
      <source>Add</source>
      <translation>Hinzufügen</translation>
    </message>
    <message>
      <source>Add a folder first that holds undamaged/ and damaged/ images.</source>
      <translation>Fügen Sie zuerst einen Ordner hinzu, der undamaged/ und damaged/ enthält.</translation>
    </message>
    <message>
      <source>Add an image folder</source>
      <translation>Einen Bildordner hinzufügen</translation>
    </message>
    <message>
      <source>Add another folder of images; it can be dropped here as well</source>
      <translation>Einen weiteren Bildordner hinzufügen; er kann auch hierher gezogen werden</translation>
    </message>
    <message>
      <source>Add folder…</source>
      <translation>Ordner hinzufügen…</translation>
    </message>
    <message>
      <source>Add image folder…</source>
      <translation>Bildordner hinzufügen…</translation>
    </message>
    <message>
      <source>Add this project's verdicts</source>
      <translation>Die Urteile dieses Projekts hinzufügen</translation>
    </message>
    <message>
      <source>All are inspected; Ctrl+Shift+R inspects selected images again.</source>
      <translation>Alle sind geprüft; Strg+Umschalt+R prüft ausgewählte Bilder noch einmal.</translation>
    </message>
    <message>
      <source>All images</source>
      <translation>Alle Bilder</translation>
    </message>
    <message>
      <source>All settings</source>
      <translation>Alle Einstellungen</translation>
    </message>
    <message>
      <source>Allow</source>
      <translation>Erlauben</translation>
    </message>
    <message>
      <source>Allow…</source>
      <translation>Erlauben…</translation>
    </message>
    <message>
      <source>Another kind of images</source>
      <translation>Eine andere Art von Bildern</translation>
    </message>
    <message>
      <source>Area</source>
      <translation>Fläche</translation>
    </message>
    <message>
      <source>Area {unit}</source>
      <translation>Fläche {unit}</translation>
    </message>
    <message>
      <source>As if nobody had said anything yet; a drawn mask stays as a draft</source>
      <translation>Als hätte noch niemand etwas gesagt; eine gezeichnete Maske bleibt als Entwurf</translation>
    </message>
    <message>
      <source>As the system</source>
      <translation>Wie das System</translation>
    </message>
    <message>
      <source>Ask ACE, RISE, Grad-CAM and others what the model's verdict rests on</source>
      <translation>ACE, RISE, Grad-CAM und andere fragen, worauf das Urteil des Modells beruht</translation>
    </message>
    <message>
      <source>At most about {time} on this PC; it can be cancelled.</source>
      <translation>Höchstens etwa {time} auf diesem PC; es kann abgebrochen werden.</translation>
    </message>
    <message>
      <source>Augmentation</source>
      <translation>Augmentierung</translation>
    </message>
    <message>
      <source>Automatic</source>
      <translation>Automatisch</translation>
    </message>
    <message>
      <source>Averaged weights (EMA)</source>
      <translation>Gemittelte Gewichte (EMA)</translation>
    </message>
    <message>
      <source>Back to the gallery (Esc)</source>
      <translation>Zurück zur Galerie (Esc)</translation>
    </message>
    <message>
      <source>Back to the model's own threshold</source>
      <translation>Zurück zur Schwelle des Modells</translation>
    </message>
    <message>
      <source>Backbone</source>
      <translation>Vortrainiertes Netz</translation>
    </message>
    <message>
      <source>Batch</source>
      <translation>Batch</translation>
    </message>
    <message>
      <source>Blink image and counterfactual (hold)</source>
      <translation>Zwischen Bild und Gegenbild blinken (halten)</translation>
    </message>
    <message>
      <source>Brush</source>
      <translation>Pinsel</translation>
    </message>
    <message>
      <source>Calibrate on</source>
      <translation>Abgestimmt auf</translation>
    </message>
    <message>
      <source>Cancel</source>
      <translation>Abbrechen</translation>
    </message>
    <message>
      <source>Cancel the running job</source>
      <translation>Die laufende Aufgabe abbrechen</translation>
    </message>
    <message>
      <source>Cancel this job</source>
      <translation>Diese Aufgabe abbrechen</translation>
    </message>
    <message>
      <source>Cancel this job (Ctrl+.)</source>
      <translation>Diese Aufgabe abbrechen (Strg+.)</translation>
    </message>
    <message>
      <source>Cancelled; a checkpoint is kept.</source>
      <translation>Abgebrochen; ein Zwischenstand bleibt erhalten.</translation>
    </message>
    <message>
      <source>Card of the model</source>
      <translation>Karte des Modells</translation>
    </message>
    <message>
      <source>Choose a diffusion model</source>
      <translation>Diffusionsmodell wählen</translation>
    </message>
    <message>
      <source>Choose a model file</source>
      <translation>Eine Modelldatei wählen</translation>
    </message>
    <message>
      <source>Choose…</source>
      <translation>Wählen…</translation>
    </message>
    <message>
      <source>Clear the filter</source>
      <translation>Filter leeren</translation>
    </message>
    <message>
      <source>Click a spot; the right button erases</source>
      <translation>Klicken Sie auf eine Stelle; die rechte Taste radiert</translation>
    </message>
    <message>
      <source>Click the corners, close with Enter or a double click</source>
      <translation>Klicken Sie die Ecken, schließen Sie mit Eingabe oder Doppelklick</translation>
    </message>
    <message>
      <source>Close</source>
      <translation>Schließen</translation>
    </message>
    <message>
      <source>Close project</source>
      <translation>Projekt schließen</translation>
    </message>
    <message>
      <source>Colours of the window.</source>
      <translation>Farben des Fensters.</translation>
    </message>
    <message>
      <source>Command</source>
      <translation>Befehl</translation>
    </message>
    <message>
      <source>Commands</source>
      <translation>Befehle</translation>
    </message>
    <message>
      <source>Commands and their keys</source>
      <translation>Befehle und ihre Tasten</translation>
    </message>
    <message>
      <source>Comment</source>
      <translation>Kommentar</translation>
    </message>
    <message>
      <source>Comment (C), stored when you leave the field</source>
      <translation>Kommentar (C), gespeichert beim Verlassen des Feldes</translation>
    </message>
    <message>
      <source>Comment by {who}</source>
      <translation>Kommentar von {who}</translation>
    </message>
    <message>
      <source>Compare on this folder</source>
      <translation>In diesem Ordner vergleichen</translation>
    </message>
    <message>
      <source>Comparing models</source>
      <translation>Modelle vergleichen</translation>
    </message>
    <message>
      <source>Comparing the masks</source>
      <translation>Vergleiche die Masken</translation>
    </message>
    <message>
      <source>Comparing: {done} of {total}</source>
      <translation>Vergleich: {done} von {total}</translation>
    </message>
    <message>
      <source>Comparing…</source>
      <translation>Vergleich läuft…</translation>
    </message>
    <message>
      <source>Copied.</source>
      <translation>Kopiert.</translation>
    </message>
    <message>
      <source>Copy details</source>
      <translation>Einzelheiten kopieren</translation>
    </message>
    <message>
      <source>Copy file path</source>
      <translation>Dateipfad kopieren</translation>
    </message>
    <message>
      <source>Corrections dropped (Ctrl+Z brings them back).</source>
      <translation>Korrekturen verworfen (Strg+Z holt sie zurück).</translation>
    </message>
    <message>
      <source>Counterfactual</source>
      <translation>Gegenbild</translation>
    </message>
    <message>
      <source>Counting…</source>
      <translation>Zähle…</translation>
    </message>
    <message>
      <source>Cracked walls and apples that the program draws itself</source>
      <translation>Gerissene Wände und Äpfel, die das Programm selbst zeichnet</translation>
    </message>
    <message>
      <source>Cycles</source>
      <translation>Zyklen</translation>
    </message>
    <message>
      <source>D (classifier)</source>
      <translation>D (Klassifikator)</translation>
    </message>
    <message>
      <source>D learns on images perturbed against it by so many grey levels of 255; 0: off, and 2 for the method adversarial</source>
      <translation>D lernt an Bildern, die gegen es um so viele von 255 Graustufen gestört sind; 0: aus, beim Verfahren adversarial 2</translation>
    </message>
    <message>
      <source>Damaged</source>
      <translation>Beschädigt</translation>
    </message>
    <message>
      <source>Damaged area, largest first</source>
      <translation>Beschädigte Fläche, größte zuerst</translation>
    </message>
    <message>
      <source>Damaged folder</source>
      <translation>Ordner beschädigt</translation>
    </message>
    <message>
      <source>Damaged images without any mask are left out as well: this format would call their damage background.</source>
      <translation>Beschädigte Bilder ganz ohne Maske werden ebenfalls ausgelassen: Dieses Format würde ihren Schaden Hintergrund nennen.</translation>
    </message>
    <message>
      <source>Dark</source>
      <translation>Dunkel</translation>
    </message>
    <message>
      <source>Date</source>
      <translation>Datum</translation>
    </message>
    <message>
      <source>Default</source>
      <translation>Standard</translation>
    </message>
    <message>
      <source>Defect classes</source>
      <translation>Schadensklassen</translation>
    </message>
    <message>
      <source>Details</source>
      <translation>Einzelheiten</translation>
    </message>
    <message>
      <source>Device</source>
      <translation>Gerät</translation>
    </message>
    <message>
      <source>Device: {device}</source>
      <translation>Gerät: {device}</translation>
    </message>
    <message>
      <source>Diffusion model…</source>
      <translation>Diffusionsmodell…</translation>
    </message>
    <message>
      <source>Diffusion steps</source>
      <translation>Diffusionsschritte</translation>
    </message>
    <message>
      <source>Discard</source>
      <translation>Verwerfen</translation>
    </message>
    <message>
      <source>Discard corrections</source>
      <translation>Korrekturen verwerfen</translation>
    </message>
    <message>
      <source>Discriminator</source>
      <translation>Diskriminator</translation>
    </message>
    <message>
      <source>Discriminator width</source>
      <translation>Breite des Diskriminators</translation>
    </message>
    <message>
      <source>Done.</source>
      <translation>Fertig.</translation>
    </message>
    <message>
      <source>Drawing {domain} images</source>
      <translation>Zeichne Bilder ({domain})</translation>
    </message>
    <message>
      <source>Drawn mask.</source>
      <translation>Gezeichnete Maske.</translation>
    </message>
    <message>
      <source>Drop a model file (.safetensors) here, or import it. Each folder uses one model.</source>
      <translation>Eine Modelldatei (.safetensors) hier ablegen oder importieren. Jeder Ordner benutzt ein Modell.</translation>
    </message>
    <message>
      <source>Eraser</source>
      <translation>Radierer</translation>
    </message>
    <message>
      <source>Evidence: what the model looks at</source>
      <translation>Evidenz: worauf das Modell sieht</translation>
    </message>
    <message>
      <source>Explain</source>
      <translation>Erklären</translation>
    </message>
    <message>
      <source>Explain by another method…</source>
      <translation>Mit anderem Verfahren erklären…</translation>
    </message>
    <message>
      <source>Explain this image</source>
      <translation>Dieses Bild erklären</translation>
    </message>
    <message>
      <source>Explain {word}</source>
      <translation>{word} erklären</translation>
    </message>
    <message>
      <source>Explaining</source>
      <translation>Erklären</translation>
    </message>
    <message>
      <source>Export</source>
      <translation>Export</translation>
    </message>
    <message>
      <source>Export done</source>
      <translation>Export fertig</translation>
    </message>
    <message>
      <source>Export labels</source>
      <translation>Labels exportieren</translation>
    </message>
    <message>
      <source>Export labels…</source>
      <translation>Labels exportieren…</translation>
    </message>
    <message>
      <source>Exporting</source>
      <translation>Export</translation>
    </message>
    <message>
      <source>File or folder to read</source>
      <translation>Datei oder Ordner zum Lesen</translation>
    </message>
    <message>
      <source>File…</source>
      <translation>Datei…</translation>
    </message>
    <message>
      <source>Fill what looks alike</source>
      <translation>Ähnliches füllen</translation>
    </message>
    <message>
      <source>Filter</source>
      <translation>Filter</translation>
    </message>
    <message>
      <source>Finest evidence</source>
      <translation>Feinste Evidenz</translation>
    </message>
    <message>
      <source>First:</source>
      <translation>Zuerst:</translation>
    </message>
    <message>
      <source>Fit to window</source>
      <translation>Einpassen</translation>
    </message>
    <message>
      <source>Flagged by the model</source>
      <translation>Vom Modell markiert</translation>
    </message>
    <message>
      <source>Flip</source>
      <translation>Kippen</translation>
    </message>
    <message>
      <source>Folder</source>
      <translation>Ordner</translation>
    </message>
    <message>
      <source>Folder to write</source>
      <translation>Zielordner</translation>
    </message>
    <message>
      <source>Folder:</source>
      <translation>Ordner:</translation>
    </message>
    <message>
      <source>Folders</source>
      <translation>Ordner</translation>
    </message>
    <message>
      <source>Folders to learn from</source>
      <translation>Ordner zum Lernen</translation>
    </message>
    <message>
      <source>Format</source>
      <translation>Format</translation>
    </message>
    <message>
      <source>From</source>
      <translation>Von</translation>
    </message>
    <message>
      <source>From which saliency on a pixel belongs to the mask</source>
      <translation>Ab welcher Salienz ein Pixel zur Maske gehört</translation>
    </message>
    <message>
      <source>G (generator)</source>
      <translation>G (Generator)</translation>
    </message>
    <message>
      <source>G: change (L1)</source>
      <translation>G: Änderung (L1)</translation>
    </message>
    <message>
      <source>G: flips D</source>
      <translation>G: stimmt D um</translation>
    </message>
    <message>
      <source>G: own head</source>
      <translation>G: eigener Kopf</translation>
    </message>
    <message>
      <source>Gain</source>
      <translation>Verstärkung</translation>
    </message>
    <message>
      <source>Gain of the saliency</source>
      <translation>Verstärkung der Salienz</translation>
    </message>
    <message>
      <source>Gallery</source>
      <translation>Galerie</translation>
    </message>
    <message>
      <source>Gated output</source>
      <translation>Ausgang mit Tor</translation>
    </message>
    <message>
      <source>Generator</source>
      <translation>Generator</translation>
    </message>
    <message>
      <source>Generator patch</source>
      <translation>Kachel des Generators</translation>
    </message>
    <message>
      <source>Generator width</source>
      <translation>Breite des Generators</translation>
    </message>
    <message>
      <source>Getting ready</source>
      <translation>Vorbereitung</translation>
    </message>
    <message>
      <source>Give folders that hold undamaged/ and damaged/ images (or good/ and bad/, ok/ and ng/). No masks are needed.</source>
      <translation>Geben Sie Ordner mit undamaged/ und damaged/ an (oder good/ und bad/, ok/ und ng/). Masken sind nicht nötig.</translation>
    </message>
    <message>
      <source>Go on</source>
      <translation>Weiter</translation>
    </message>
    <message>
      <source>Go on after a verdict</source>
      <translation>Nach einem Urteil weitergehen</translation>
    </message>
    <message>
      <source>Grad-CAM: the network's last stage</source>
      <translation>Grad-CAM: die letzte Stufe des Netzes</translation>
    </message>
    <message>
      <source>Grid</source>
      <translation>Raster</translation>
    </message>
    <message>
      <source>Hide all layers; again: show the masks</source>
      <translation>Alle Ebenen ausblenden; noch einmal: die Masken zeigen</translation>
    </message>
    <message>
      <source>Highest score</source>
      <translation>Höchste Bewertung</translation>
    </message>
    <message>
      <source>Histogram of {n} scores</source>
      <translation>Histogramm von {n} Bewertungen</translation>
    </message>
    <message>
      <source>Human</source>
      <translation>Mensch</translation>
    </message>
    <message>
      <source>Human mask</source>
      <translation>Maske des Menschen</translation>
    </message>
    <message>
      <source>Human: damaged</source>
      <translation>Mensch: beschädigt</translation>
    </message>
    <message>
      <source>Human: skipped</source>
      <translation>Mensch: übersprungen</translation>
    </message>
    <message>
      <source>Human: undamaged</source>
      <translation>Mensch: unbeschädigt</translation>
    </message>
    <message>
      <source>I cannot say</source>
      <translation>Ich kann es nicht sagen</translation>
    </message>
    <message>
      <source>Image</source>
      <translation>Bild</translation>
    </message>
    <message>
      <source>Image alone</source>
      <translation>Nur das Bild</translation>
    </message>
    <message>
      <source>Image files</source>
      <translation>Bilddateien</translation>
    </message>
    <message>
      <source>Image folders</source>
      <translation>Bildordner</translation>
    </message>
    <message>
      <source>Image, counterfactual, saliency and mask side by side</source>
      <translation>Bild, Gegenbild, Salienz und Maske nebeneinander</translation>
    </message>
    <message>
      <source>Images as a grid</source>
      <translation>Bilder als Raster</translation>
    </message>
    <message>
      <source>Images as a list</source>
      <translation>Bilder als Liste</translation>
    </message>
    <message>
      <source>Images in it: {n}. To be taken: {taken}. With a verdict already, which stays: {kept}.</source>
      <translation>Bilder darin: {n}. Zu übernehmen: {taken}. Schon mit einem Urteil, das bleibt: {kept}.</translation>
    </message>
    <message>
      <source>Images of</source>
      <translation>Bilder von</translation>
    </message>
    <message>
      <source>Images of this folder with a known label: {n}. Figures on images that a model was trained on flatter it.</source>
      <translation>Bilder dieses Ordners mit bekanntem Label: {n}. Zahlen auf Bildern, mit denen ein Modell trainiert wurde, schmeicheln ihm.</translation>
    </message>
    <message>
      <source>Images outside of the project</source>
      <translation>Bilder außerhalb des Projekts</translation>
    </message>
    <message>
      <source>Images that this model has inspected already are skipped. Verdicts stay.</source>
      <translation>Bilder, die dieses Modell schon geprüft hat, werden übersprungen. Urteile bleiben.</translation>
    </message>
    <message>
      <source>Images to come</source>
      <translation>Kommende Bilder</translation>
    </message>
    <message>
      <source>Images with a verdict become a folder of training data, with corrected labels</source>
      <translation>Bilder mit einem Urteil werden zu einem Ordner von Trainingsdaten, mit berichtigten Labels</translation>
    </message>
    <message>
      <source>Images with labels, to be added to the project: {n}.</source>
      <translation>Bilder mit Labels, die zum Projekt kommen: {n}.</translation>
    </message>
    <message>
      <source>Images without a mark</source>
      <translation>Bilder ohne Markierung</translation>
    </message>
    <message>
      <source>Images written to {folder}: {n}. Damaged: {damaged}, with masks drawn by humans: {corrected}.</source>
      <translation>Bilder geschrieben nach {folder}: {n}. Beschädigt: {damaged}, mit von Menschen gezeichneten Masken: {corrected}.</translation>
    </message>
    <message>
      <source>Images {news}.</source>
      <translation>Bilder {news}.</translation>
    </message>
    <message>
      <source>Images: {n}</source>
      <translation>Bilder: {n}</translation>
    </message>
    <message>
      <source>Import</source>
      <translation>Import</translation>
    </message>
    <message>
      <source>Import a model file</source>
      <translation>Eine Modelldatei importieren</translation>
    </message>
    <message>
      <source>Import a model file…</source>
      <translation>Eine Modelldatei importieren…</translation>
    </message>
    <message>
      <source>Import done</source>
      <translation>Import fertig</translation>
    </message>
    <message>
      <source>Import labels</source>
      <translation>Labels importieren</translation>
    </message>
    <message>
      <source>Import labels…</source>
      <translation>Labels importieren…</translation>
    </message>
    <message>
      <source>Importing</source>
      <translation>Import</translation>
    </message>
    <message>
      <source>Import…</source>
      <translation>Importieren…</translation>
    </message>
    <message>
      <source>In {time}, {pace} s an image. Everything is saved; Ctrl+Z still takes verdicts back.</source>
      <translation>In {time}, {pace} s je Bild. Alles ist gespeichert; Strg+Z nimmt Urteile weiterhin zurück.</translation>
    </message>
    <message>
      <source>Input size</source>
      <translation>Eingangsgröße</translation>
    </message>
    <message>
      <source>Inspect</source>
      <translation>Inspizieren</translation>
    </message>
    <message>
      <source>Inspect again</source>
      <translation>Neu inspizieren</translation>
    </message>
    <message>
      <source>Inspect these images again</source>
      <translation>Diese Bilder noch einmal inspizieren</translation>
    </message>
    <message>
      <source>Inspect this folder</source>
      <translation>Diesen Ordner inspizieren</translation>
    </message>
    <message>
      <source>Inspected</source>
      <translation>Geprüft</translation>
    </message>
    <message>
      <source>Inspected: {done}. Damaged: {damaged}, flagged: {review}, unreadable: {errors}.</source>
      <translation>Geprüft: {done}. Beschädigt: {damaged}, markiert: {review}, unlesbar: {errors}.</translation>
    </message>
    <message>
      <source>Inspecting</source>
      <translation>Inspektion läuft</translation>
    </message>
    <message>
      <source>Inspection</source>
      <translation>Inspektion</translation>
    </message>
    <message>
      <source>Inspect…</source>
      <translation>Inspizieren…</translation>
    </message>
    <message>
      <source>Inspect… (new: {n})</source>
      <translation>Prüfen… (neu: {n})</translation>
    </message>
    <message>
      <source>Into</source>
      <translation>Nach</translation>
    </message>
    <message>
      <source>It says where the model looks, not what would change its mind.</source>
      <translation>Es sagt, wohin das Modell schaut, nicht, was es umstimmen würde.</translation>
    </message>
    <message>
      <source>Its share</source>
      <translation>Ihr Anteil</translation>
    </message>
    <message>
      <source>Its steps</source>
      <translation>Ihre Schritte</translation>
    </message>
    <message>
      <source>Jobs</source>
      <translation>Aufgaben</translation>
    </message>
    <message>
      <source>Jobs…</source>
      <translation>Aufgaben…</translation>
    </message>
    <message>
      <source>Keep the old one</source>
      <translation>Das alte behalten</translation>
    </message>
    <message>
      <source>Keep the zoom</source>
      <translation>Vergrößerung behalten</translation>
    </message>
    <message>
      <source>Keep working</source>
      <translation>Weiterarbeiten</translation>
    </message>
    <message>
      <source>Keys</source>
      <translation>Tasten</translation>
    </message>
    <message>
      <source>Keys at a glance</source>
      <translation>Tasten auf einen Blick</translation>
    </message>
    <message>
      <source>Language</source>
      <translation>Sprache</translation>
    </message>
    <message>
      <source>Larger brush</source>
      <translation>Größerer Pinsel</translation>
    </message>
    <message>
      <source>Later</source>
      <translation>Später</translation>
    </message>
    <message>
      <source>LayerCAM: the last two stages</source>
      <translation>LayerCAM: die letzten zwei Stufen</translation>
    </message>
    <message>
      <source>Learn masks from the review</source>
      <translation>Masken aus der Prüfung lernen</translation>
    </message>
    <message>
      <source>Learning masks</source>
      <translation>Masken lernen</translation>
    </message>
    <message>
      <source>Least sure first</source>
      <translation>Unsicherste zuerst</translation>
    </message>
    <message>
      <source>Leave</source>
      <translation>Verlassen</translation>
    </message>
    <message>
      <source>Leave out</source>
      <translation>Auslassen</translation>
    </message>
    <message>
      <source>Leave them out</source>
      <translation>Weglassen</translation>
    </message>
    <message>
      <source>Left out, as the project does not have them: {n}.</source>
      <translation>Ausgelassen, weil das Projekt sie nicht hat: {n}.</translation>
    </message>
    <message>
      <source>Left out, as they cannot be taken: {n}.</source>
      <translation>Ausgelassen, weil sie nicht übernommen werden können: {n}.</translation>
    </message>
    <message>
      <source>Left out, because they cannot be used: {n} images or masks.</source>
      <translation>Ausgelassen, weil sie nicht zu gebrauchen sind: {n} Bilder oder Masken.</translation>
    </message>
    <message>
      <source>Left out: {parts}.</source>
      <translation>Ausgelassen: {parts}.</translation>
    </message>
    <message>
      <source>Length</source>
      <translation>Länge</translation>
    </message>
    <message>
      <source>Length and width in {unit}</source>
      <translation>Länge und Breite in {unit}</translation>
    </message>
    <message>
      <source>Let a model look at the images of the folder</source>
      <translation>Ein Modell die Bilder des Ordners ansehen lassen</translation>
    </message>
    <message>
      <source>Light</source>
      <translation>Hell</translation>
    </message>
    <message>
      <source>List</source>
      <translation>Liste</translation>
    </message>
    <message>
      <source>Little noise</source>
      <translation>Wenig Rauschen</translation>
    </message>
    <message>
      <source>Loading the model</source>
      <translation>Lade das Modell</translation>
    </message>
    <message>
      <source>Log</source>
      <translation>Protokoll</translation>
    </message>
    <message>
      <source>Look at doubtful images, the most doubtful first</source>
      <translation>Zweifelhafte Bilder ansehen, die zweifelhaftesten zuerst</translation>
    </message>
    <message>
      <source>Looking at the images</source>
      <translation>Sehe die Bilder an</translation>
    </message>
    <message>
      <source>Looking for images</source>
      <translation>Suche nach Bildern</translation>
    </message>
    <message>
      <source>Losses</source>
      <translation>Verluste</translation>
    </message>
    <message>
      <source>Lowest score</source>
      <translation>Niedrigste Bewertung</translation>
    </message>
    <message>
      <source>Machine mask</source>
      <translation>Maske der Maschine</translation>
    </message>
    <message>
      <source>Made</source>
      <translation>Erstellt</translation>
    </message>
    <message>
      <source>Main tools</source>
      <translation>Hauptwerkzeuge</translation>
    </message>
    <message>
      <source>Mark damage; the right button erases</source>
      <translation>Schaden markieren; die rechte Taste radiert</translation>
    </message>
    <message>
      <source>Mask corrected</source>
      <translation>Maske korrigiert</translation>
    </message>
    <message>
      <source>Mask is right</source>
      <translation>Maske stimmt</translation>
    </message>
    <message>
      <source>Mask ok</source>
      <translation>Maske ok</translation>
    </message>
    <message>
      <source>Mask threshold</source>
      <translation>Maskenschwelle</translation>
    </message>
    <message>
      <source>Masks</source>
      <translation>Masken</translation>
    </message>
    <message>
      <source>Measuring</source>
      <translation>Messen</translation>
    </message>
    <message>
      <source>Measuring how long it would take…</source>
      <translation>Wird gemessen, wie lange es dauern würde…</translation>
    </message>
    <message>
      <source>Memory for images</source>
      <translation>Speicher für Bilder</translation>
    </message>
    <message>
      <source>Method</source>
      <translation>Verfahren</translation>
    </message>
    <message>
      <source>Millimetres a pixel in {folder}:</source>
      <translation>Millimeter je Pixel in {folder}:</translation>
    </message>
    <message>
      <source>Model</source>
      <translation>Modell</translation>
    </message>
    <message>
      <source>Model for {domain}</source>
      <translation>Modell für {domain}</translation>
    </message>
    <message>
      <source>Model says</source>
      <translation>Modell sagt</translation>
    </message>
    <message>
      <source>Model: damaged</source>
      <translation>Modell: beschädigt</translation>
    </message>
    <message>
      <source>Model: undamaged</source>
      <translation>Modell: unbeschädigt</translation>
    </message>
    <message>
      <source>Model: {name}</source>
      <translation>Modell: {name}</translation>
    </message>
    <message>
      <source>Models</source>
      <translation>Modelle</translation>
    </message>
    <message>
      <source>Models (*.safetensors)</source>
      <translation>Modelle (*.safetensors)</translation>
    </message>
    <message>
      <source>Models…</source>
      <translation>Modelle…</translation>
    </message>
    <message>
      <source>Move the mask's outline to the nearest edges of the picture</source>
      <translation>Den Umriss der Maske an die nächsten Kanten des Bildes legen</translation>
    </message>
    <message>
      <source>Move the picture</source>
      <translation>Bild verschieben</translation>
    </message>
    <message>
      <source>Name</source>
      <translation>Name</translation>
    </message>
    <message>
      <source>Name of what they show</source>
      <translation>Name dessen, was sie zeigen</translation>
    </message>
    <message>
      <source>New keys</source>
      <translation>Neue Tasten</translation>
    </message>
    <message>
      <source>Newest first</source>
      <translation>Neueste zuerst</translation>
    </message>
    <message>
      <source>Next image</source>
      <translation>Nächstes Bild</translation>
    </message>
    <message>
      <source>Next image (Right)</source>
      <translation>Nächstes Bild (Rechts)</translation>
    </message>
    <message>
      <source>No explanation: nothing that it found changes the model's mind.</source>
      <translation>Keine Erklärung: nichts, was es fand, stimmt das Modell um.</translation>
    </message>
    <message>
      <source>No image fits the filter.</source>
      <translation>Kein Bild passt zum Filter.</translation>
    </message>
    <message>
      <source>No image fits the filter. Clear it on the left to see all.</source>
      <translation>Kein Bild passt zum Filter. Leeren Sie ihn links, um alle zu sehen.</translation>
    </message>
    <message>
      <source>No image of this folder has a known label: give some verdicts first, or use folders called undamaged and damaged.</source>
      <translation>Kein Bild dieses Ordners hat ein bekanntes Label: Fällen Sie zuerst Urteile, oder benutzen Sie Ordner namens undamaged und damaged.</translation>
    </message>
    <message>
      <source>No job runs or waits.</source>
      <translation>Keine Aufgabe läuft oder wartet.</translation>
    </message>
    <message>
      <source>No model has looked at these images yet (Ctrl+R).</source>
      <translation>Diese Bilder hat noch kein Modell geprüft (Strg+R).</translation>
    </message>
    <message>
      <source>No model yet</source>
      <translation>Noch kein Modell</translation>
    </message>
    <message>
      <source>No need for a review by the model's own rule.</source>
      <translation>Nach der Regel des Modells ist keine Prüfung nötig.</translation>
    </message>
    <message>
      <source>No scores yet: inspect the folder.</source>
      <translation>Noch keine Bewertungen: Inspizieren Sie den Ordner.</translation>
    </message>
    <message>
      <source>No verdict yet</source>
      <translation>Noch kein Urteil</translation>
    </message>
    <message>
      <source>Noise (sigma)</source>
      <translation>Rauschen (Sigma)</translation>
    </message>
    <message>
      <source>None chosen yet: train one by the method diffusion.</source>
      <translation>Noch keines gewählt: trainieren Sie eines mit dem Verfahren diffusion.</translation>
    </message>
    <message>
      <source>Not everything is stored</source>
      <translation>Nicht alles ist gespeichert</translation>
    </message>
    <message>
      <source>Not inspected</source>
      <translation>Nicht inspiziert</translation>
    </message>
    <message>
      <source>Not taken as a human's, as an export of ours says that they are the model's own labels or masks: {n}.</source>
      <translation>Nicht als Wort eines Menschen genommen, weil ein Export von uns sagt, dass Label oder Maske vom Modell sind: {n}.</translation>
    </message>
    <message>
      <source>Nothing is stored.</source>
      <translation>Nichts wird gespeichert.</translation>
    </message>
    <message>
      <source>Nothing is written; an earlier export stays.</source>
      <translation>Nichts wird geschrieben; ein früherer Export bleibt.</translation>
    </message>
    <message>
      <source>Nothing is written; the model stays as it is.</source>
      <translation>Nichts wird geschrieben; das Modell bleibt, wie es ist.</translation>
    </message>
    <message>
      <source>Nothing waits for a review here. Inspect the folder first, or choose another one on the left.</source>
      <translation>Hier wartet nichts auf eine Prüfung. Inspizieren Sie den Ordner zuerst, oder wählen Sie links einen anderen.</translation>
    </message>
    <message>
      <source>Nothing yet.</source>
      <translation>Noch nichts.</translation>
    </message>
    <message>
      <source>Occlusion: a hidden square</source>
      <translation>Verdeckung: ein verdecktes Quadrat</translation>
    </message>
    <message>
      <source>Oldest first</source>
      <translation>Älteste zuerst</translation>
    </message>
    <message>
      <source>On the validation images</source>
      <translation>Auf den Validierungsbildern</translation>
    </message>
    <message>
      <source>One network answers with three probabilities that add up to one: p0 that the image is undamaged, p1 that it is damaged, and p_fake that it does not look like a real image of either kind. The score is p1 / (p0 + p1): how sure the model is of damage, leaving p_fake aside. From the model's threshold on an image counts as damaged.

A high p_fake means that the image is unlike what the model was trained on: another camera, other light, something in the way. Do not trust the score then; look yourself.</source>
      <translation>Ein Netz antwortet mit drei Wahrscheinlichkeiten, die zusammen eins ergeben: p0, dass das Bild unbeschädigt ist, p1, dass es beschädigt ist, und p_fake, dass es wie kein echtes Bild der beiden Arten aussieht. Die Bewertung ist p1 / (p0 + p1): wie sicher sich das Modell eines Schadens ist, ohne p_fake. Ab der Schwelle des Modells gilt ein Bild als beschädigt.

Ein hohes p_fake heißt, dass das Bild anders ist als die Trainingsbilder: eine andere Kamera, anderes Licht, etwas im Weg. Trauen Sie der Bewertung dann nicht; sehen Sie selbst hin.</translation>
    </message>
    <message>
      <source>Opacity</source>
      <translation>Deckkraft</translation>
    </message>
    <message>
      <source>Opacity of {layer}</source>
      <translation>Deckkraft von {layer}</translation>
    </message>
    <message>
      <source>Open</source>
      <translation>Öffnen</translation>
    </message>
    <message>
      <source>Open a folder first.</source>
      <translation>Öffnen Sie zuerst einen Ordner.</translation>
    </message>
    <message>
      <source>Open a folder of images</source>
      <translation>Einen Bildordner öffnen</translation>
    </message>
    <message>
      <source>Open folder</source>
      <translation>Ordner öffnen</translation>
    </message>
    <message>
      <source>Open folder…</source>
      <translation>Ordner öffnen…</translation>
    </message>
    <message>
      <source>Open the last project</source>
      <translation>Das letzte Projekt öffnen</translation>
    </message>
    <message>
      <source>Opening {folder}…</source>
      <translation>Öffne {folder}…</translation>
    </message>
    <message>
      <source>Order</source>
      <translation>Reihenfolge</translation>
    </message>
    <message>
      <source>Order:</source>
      <translation>Reihenfolge:</translation>
    </message>
    <message>
      <source>Other file…</source>
      <translation>Andere Datei…</translation>
    </message>
    <message>
      <source>Part of the name</source>
      <translation>Teil des Namens</translation>
    </message>
    <message>
      <source>Pause</source>
      <translation>Pause</translation>
    </message>
    <message>
      <source>Paused.</source>
      <translation>Angehalten.</translation>
    </message>
    <message>
      <source>Perceptually even colour maps: equal steps look equal.</source>
      <translation>Gleichmäßig wahrgenommene Farbskalen: Gleiche Schritte sehen gleich aus.</translation>
    </message>
    <message>
      <source>Perturbation (robust)</source>
      <translation>Störung (robust)</translation>
    </message>
    <message>
      <source>Picture alone on the screen</source>
      <translation>Nur das Bild auf dem Schirm</translation>
    </message>
    <message>
      <source>Polygon</source>
      <translation>Polygon</translation>
    </message>
    <message>
      <source>Precision</source>
      <translation>Genauigkeit</translation>
    </message>
    <message>
      <source>Preferences</source>
      <translation>Einstellungen</translation>
    </message>
    <message>
      <source>Preferences…</source>
      <translation>Einstellungen…</translation>
    </message>
    <message>
      <source>Preparing the demo</source>
      <translation>Bereite die Demo vor</translation>
    </message>
    <message>
      <source>Preparing the demo: images are drawn and inspected.</source>
      <translation>Die Demo wird vorbereitet: Bilder werden gezeichnet und geprüft.</translation>
    </message>
    <message>
      <source>Preset</source>
      <translation>Vorgabe</translation>
    </message>
    <message>
      <source>Press R to review.</source>
      <translation>Drücken Sie R zum Prüfen.</translation>
    </message>
    <message>
      <source>Pretrained features beside D</source>
      <translation>Vortrainierte Merkmale neben D</translation>
    </message>
    <message>
      <source>Previous image</source>
      <translation>Voriges Bild</translation>
    </message>
    <message>
      <source>Previous image (Left)</source>
      <translation>Voriges Bild (Links)</translation>
    </message>
    <message>
      <source>Prior on the gate</source>
      <translation>Grenze der Änderung</translation>
    </message>
    <message>
      <source>Quit</source>
      <translation>Beenden</translation>
    </message>
    <message>
      <source>REVIEW   {done} done, {left} left</source>
      <translation>PRÜFUNG   {done} erledigt, {left} übrig</translation>
    </message>
    <message>
      <source>REVIEW: {reasons}.</source>
      <translation>PRÜFEN: {reasons}.</translation>
    </message>
    <message>
      <source>RISE: random masks</source>
      <translation>RISE: zufällige Masken</translation>
    </message>
    <message>
      <source>Rate of D</source>
      <translation>Lernrate von D</translation>
    </message>
    <message>
      <source>Rate of D, warm-up</source>
      <translation>Lernrate von D, Aufwärmen</translation>
    </message>
    <message>
      <source>Rate of G</source>
      <translation>Lernrate von G</translation>
    </message>
    <message>
      <source>Reading images</source>
      <translation>Lese Bilder</translation>
    </message>
    <message>
      <source>Reading the project</source>
      <translation>Lese das Projekt</translation>
    </message>
    <message>
      <source>Reading…</source>
      <translation>Lese…</translation>
    </message>
    <message>
      <source>Ready.</source>
      <translation>Bereit.</translation>
    </message>
    <message>
      <source>Recent projects</source>
      <translation>Letzte Projekte</translation>
    </message>
    <message>
      <source>Redo</source>
      <translation>Wiederholen</translation>
    </message>
    <message>
      <source>Regions</source>
      <translation>Regionen</translation>
    </message>
    <message>
      <source>Regions: {n}, {share} % of the image</source>
      <translation>Bereiche: {n}, {share} % des Bildes</translation>
    </message>
    <message>
      <source>Remove</source>
      <translation>Entfernen</translation>
    </message>
    <message>
      <source>Remove from the project</source>
      <translation>Aus dem Projekt entfernen</translation>
    </message>
    <message>
      <source>Remove from the project…</source>
      <translation>Aus dem Projekt entfernen…</translation>
    </message>
    <message>
      <source>Replace</source>
      <translation>Ersetzen</translation>
    </message>
    <message>
      <source>Replace a larger export?</source>
      <translation>Einen größeren Export ersetzen?</translation>
    </message>
    <message>
      <source>Replace it</source>
      <translation>Ersetzen</translation>
    </message>
    <message>
      <source>Rescan</source>
      <translation>Neu einlesen</translation>
    </message>
    <message>
      <source>Reset</source>
      <translation>Zurücksetzen</translation>
    </message>
    <message>
      <source>Resume a run…</source>
      <translation>Einen Lauf fortsetzen…</translation>
    </message>
    <message>
      <source>Review</source>
      <translation>Prüfen</translation>
    </message>
    <message>
      <source>Review (waiting: {n})</source>
      <translation>Durchsehen (offen: {n})</translation>
    </message>
    <message>
      <source>Review ended</source>
      <translation>Prüfung beendet</translation>
    </message>
    <message>
      <source>Review first</source>
      <translation>Zuerst prüfen</translation>
    </message>
    <message>
      <source>Reviewed</source>
      <translation>Durchgesehen</translation>
    </message>
    <message>
      <source>Reviewed: {n}</source>
      <translation>Durchgesehen: {n}</translation>
    </message>
    <message>
      <source>Run: {folder}</source>
      <translation>Lauf: {folder}</translation>
    </message>
    <message>
      <source>Saliency</source>
      <translation>Salienz</translation>
    </message>
    <message>
      <source>Saliency and mask</source>
      <translation>Salienz und Maske</translation>
    </message>
    <message>
      <source>Saliency colours</source>
      <translation>Farben der Salienz</translation>
    </message>
    <message>
      <source>Samples: image, counterfactual, saliency, mask</source>
      <translation>Proben: Bild, Gegenbild, Salienz, Maske</translation>
    </message>
    <message>
      <source>Scale</source>
      <translation>Maßstab</translation>
    </message>
    <message>
      <source>Scale (millimetres a pixel)…</source>
      <translation>Maßstab (Millimeter je Pixel)…</translation>
    </message>
    <message>
      <source>Score</source>
      <translation>Bewertung</translation>
    </message>
    <message>
      <source>Score {before} became {after}.</source>
      <translation>Die Bewertung {before} wurde zu {after}.</translation>
    </message>
    <message>
      <source>Score, highest first</source>
      <translation>Bewertung, höchste zuerst</translation>
    </message>
    <message>
      <source>Score, lowest first</source>
      <translation>Bewertung, niedrigste zuerst</translation>
    </message>
    <message>
      <source>Score, p0, p1 and p_fake</source>
      <translation>Bewertung, p0, p1 und p_fake</translation>
    </message>
    <message>
      <source>Scores of this folder</source>
      <translation>Bewertungen dieses Ordners</translation>
    </message>
    <message>
      <source>Search</source>
      <translation>Suchen</translation>
    </message>
    <message>
      <source>Search commands</source>
      <translation>Befehle suchen</translation>
    </message>
    <message>
      <source>Search commands…</source>
      <translation>Befehle suchen…</translation>
    </message>
    <message>
      <source>Seed</source>
      <translation>Startwert</translation>
    </message>
    <message>
      <source>Seed of that share</source>
      <translation>Startwert dieses Anteils</translation>
    </message>
    <message>
      <source>Select all</source>
      <translation>Alles auswählen</translation>
    </message>
    <message>
      <source>Select two or more models; truth is what humans said, else the folder's labels</source>
      <translation>Wählen Sie zwei oder mehr Modelle; wahr ist, was Menschen gesagt haben, sonst die Labels des Ordners</translation>
    </message>
    <message>
      <source>Set</source>
      <translation>Setzen</translation>
    </message>
    <message>
      <source>Share for review</source>
      <translation>Anteil zum Durchsehen</translation>
    </message>
    <message>
      <source>Share for validation</source>
      <translation>Anteil zur Validierung</translation>
    </message>
    <message>
      <source>Share held out</source>
      <translation>Zurückgehaltener Anteil</translation>
    </message>
    <message>
      <source>Shared backbone</source>
      <translation>Gemeinsames Rückgrat</translation>
    </message>
    <message>
      <source>Shortcuts</source>
      <translation>Tastenkürzel</translation>
    </message>
    <message>
      <source>Shortcuts…</source>
      <translation>Tastenkürzel…</translation>
    </message>
    <message>
      <source>Show counterfactual</source>
      <translation>Gegenbild zeigen</translation>
    </message>
    <message>
      <source>Show file</source>
      <translation>Datei zeigen</translation>
    </message>
    <message>
      <source>Show file in its folder</source>
      <translation>Datei im Ordner zeigen</translation>
    </message>
    <message>
      <source>Show folder</source>
      <translation>Ordner zeigen</translation>
    </message>
    <message>
      <source>Show or hide this layer (key {key})</source>
      <translation>Diese Ebene zeigen oder ausblenden (Taste {key})</translation>
    </message>
    <message>
      <source>Show saliency</source>
      <translation>Salienz zeigen</translation>
    </message>
    <message>
      <source>Show the human's mask</source>
      <translation>Maske des Menschen zeigen</translation>
    </message>
    <message>
      <source>Show the machine's mask</source>
      <translation>Maske der Maschine zeigen</translation>
    </message>
    <message>
      <source>Show the next image as soon as a verdict is given.</source>
      <translation>Das nächste Bild zeigen, sobald ein Urteil gefällt ist.</translation>
    </message>
    <message>
      <source>Side by side</source>
      <translation>Nebeneinander</translation>
    </message>
    <message>
      <source>Side of the gallery's pictures in pixels.</source>
      <translation>Seitenlänge der Galeriebilder in Pixeln.</translation>
    </message>
    <message>
      <source>Skip</source>
      <translation>Überspringen</translation>
    </message>
    <message>
      <source>Smaller brush</source>
      <translation>Kleinerer Pinsel</translation>
    </message>
    <message>
      <source>Snap to edges</source>
      <translation>An Kanten legen</translation>
    </message>
    <message>
      <source>Solid line: this image. Dashed: from here on the model says damaged.</source>
      <translation>Durchgezogen: dieses Bild. Gestrichelt: ab hier sagt das Modell beschädigt.</translation>
    </message>
    <message>
      <source>Something else:</source>
      <translation>Etwas anderes:</translation>
    </message>
    <message>
      <source>Something unexpected happened ({error}). Nothing that was saved is lost. Try again; if it happens again, copy the details and report them.</source>
      <translation>Etwas Unerwartetes ist geschehen ({error}). Nichts Gespeichertes ist verloren. Versuchen Sie es noch einmal; geschieht es wieder, kopieren Sie die Einzelheiten und melden Sie sie.</translation>
    </message>
    <message>
      <source>Something went wrong</source>
      <translation>Etwas ist schiefgegangen</translation>
    </message>
    <message>
      <source>Space</source>
      <translation>Leertaste</translation>
    </message>
    <message>
      <source>Split by group</source>
      <translation>Aufteilen nach Gruppen</translation>
    </message>
    <message>
      <source>Start</source>
      <translation>Start</translation>
    </message>
    <message>
      <source>Start from model</source>
      <translation>Von Modell ausgehen</translation>
    </message>
    <message>
      <source>Start the review</source>
      <translation>Prüfung beginnen</translation>
    </message>
    <message>
      <source>Stay</source>
      <translation>Bleiben</translation>
    </message>
    <message>
      <source>Step {n}: {text}</source>
      <translation>Schritt {n}: {text}</translation>
    </message>
    <message>
      <source>Steps between checkpoints</source>
      <translation>Schritte zwischen Sicherungen</translation>
    </message>
    <message>
      <source>Steps between checks</source>
      <translation>Schritte zwischen Messungen</translation>
    </message>
    <message>
      <source>Steps of L1's ramp</source>
      <translation>Schritte bis L1 voll zählt</translation>
    </message>
    <message>
      <source>Steps of the segmenter</source>
      <translation>Schritte des Segmentierers</translation>
    </message>
    <message>
      <source>Stop and quit</source>
      <translation>Anhalten und beenden</translation>
    </message>
    <message>
      <source>Stop it</source>
      <translation>Abbrechen</translation>
    </message>
    <message>
      <source>Stopping and saving a checkpoint…</source>
      <translation>Halte an und speichere einen Zwischenstand…</translation>
    </message>
    <message>
      <source>Stopping and storing…</source>
      <translation>Halte an und speichere…</translation>
    </message>
    <message>
      <source>Stopping: {keeps}</source>
      <translation>Halte an: {keeps}</translation>
    </message>
    <message>
      <source>Store the mask on screen as it is</source>
      <translation>Die Maske auf dem Schirm speichern, wie sie ist</translation>
    </message>
    <message>
      <source>Strongest evidence</source>
      <translation>Stärkste Evidenz</translation>
    </message>
    <message>
      <source>Swipe image and counterfactual</source>
      <translation>Bild und Gegenbild mit Trennlinie</translation>
    </message>
    <message>
      <source>Switch between dark and light</source>
      <translation>Zwischen Dunkel und Hell wechseln</translation>
    </message>
    <message>
      <source>T: steps from an image to noise, for the method diffusion</source>
      <translation>T: Schritte vom Bild zum Rauschen, für das Verfahren diffusion</translation>
    </message>
    <message>
      <source>Take</source>
      <translation>Nimm</translation>
    </message>
    <message>
      <source>Take in new, moved and vanished images</source>
      <translation>Neue, verschobene und verschwundene Bilder aufnehmen</translation>
    </message>
    <message>
      <source>Take the corrected mask away</source>
      <translation>Die korrigierte Maske wegnehmen</translation>
    </message>
    <message>
      <source>Taken: {taken}, of them with masks: {masks}. Kept as humans had left them: {kept}. Unknown: {unknown}. Refused: {refused}.</source>
      <translation>Übernommen: {taken}, davon mit Masken: {masks}. Gelassen, wie Menschen sie hinterlassen hatten: {kept}. Unbekannt: {unknown}. Abgelehnt: {refused}.</translation>
    </message>
    <message>
      <source>Takes a few seconds.</source>
      <translation>Dauert einige Sekunden.</translation>
    </message>
    <message>
      <source>Takes effect with the next start.</source>
      <translation>Gilt ab dem nächsten Start.</translation>
    </message>
    <message>
      <source>Teaching the segmenter</source>
      <translation>Trainiere den Segmentierer</translation>
    </message>
    <message>
      <source>Test-time augmentation</source>
      <translation>Mitteln beim Prüfen</translation>
    </message>
    <message>
      <source>That did not work</source>
      <translation>Das hat nicht geklappt</translation>
    </message>
    <message>
      <source>The agreement with {n} corrected masks (IoU) is {now}, before {before}.</source>
      <translation>Die Übereinstimmung mit {n} korrigierten Masken (IoU) ist {now}, vorher {before}.</translation>
    </message>
    <message>
      <source>The chosen folders have several models. Which one shall learn?</source>
      <translation>Die gewählten Ordner haben mehrere Modelle. Welches soll lernen?</translation>
    </message>
    <message>
      <source>The counterfactual on screen is the model's own. These look at the model from outside; what they find is shown beside it and is not stored.</source>
      <translation>Das Gegenbild auf dem Schirm ist das eigene des Modells. Diese Verfahren betrachten das Modell von außen; was sie finden, wird daneben gezeigt und nicht gespeichert.</translation>
    </message>
    <message>
      <source>The curves appear here while a training runs.</source>
      <translation>Die Kurven erscheinen hier, während ein Training läuft.</translation>
    </message>
    <message>
      <source>The diffusion model is ready: {file}. Open an image and choose Model / Explain by another method… to ask ACE.</source>
      <translation>Das Diffusionsmodell ist fertig: {file}. Öffnen Sie ein Bild und wählen Sie Modell / Mit anderem Verfahren erklären…, um ACE zu fragen.</translation>
    </message>
    <message>
      <source>The export in {folder} holds {before} images, and this one would hold {now}. Which images are taken is chosen under Take.</source>
      <translation>Der Export in {folder} enthält {before} Bilder, und dieser hätte {now}. Welche Bilder genommen werden, bestimmt das Feld „Nimm“.</translation>
    </message>
    <message>
      <source>The export that is there now holds {n} images; it is replaced.</source>
      <translation>Der Export, der jetzt dort liegt, enthält {n} Bilder; er wird ersetzt.</translation>
    </message>
    <message>
      <source>The file says nothing of these, they stay open: {n}.</source>
      <translation>Über diese sagt die Datei nichts, sie bleiben offen: {n}.</translation>
    </message>
    <message>
      <source>The folder of the run to go on with</source>
      <translation>Der Ordner des Laufs, der fortgesetzt werden soll</translation>
    </message>
    <message>
      <source>The folder uses {model} now. Images that it has not inspected yet need an inspection (Ctrl+R).</source>
      <translation>Der Ordner benutzt jetzt {model}. Bilder, die es noch nicht geprüft hat, brauchen eine Prüfung (Strg+R).</translation>
    </message>
    <message>
      <source>The folders have another model by now, which stays in use. {new} is under Model.</source>
      <translation>Die Ordner haben inzwischen ein anderes Modell, das in Gebrauch bleibt. {new} steht unter Modell.</translation>
    </message>
    <message>
      <source>The language changes when the program starts next.</source>
      <translation>Die Sprache wechselt beim nächsten Start des Programms.</translation>
    </message>
    <message>
      <source>The mask is empty: press U if the image is undamaged.</source>
      <translation>Die Maske ist leer: Drücken Sie U, wenn das Bild unbeschädigt ist.</translation>
    </message>
    <message>
      <source>The masks that people corrected, and its own, teach the model to mark better; a new model comes of it only if it does</source>
      <translation>Masken, die Menschen korrigiert haben, und seine eigenen bringen dem Modell bei, besser zu markieren; nur wenn das gelingt, entsteht ein neues Modell</translation>
    </message>
    <message>
      <source>The model answers this image with no number.</source>
      <translation>Das Modell antwortet auf dieses Bild mit keiner Zahl.</translation>
    </message>
    <message>
      <source>The model is ready: {file}. Its figures come from the images kept for validation.</source>
      <translation>Das Modell ist fertig: {file}. Seine Werte stammen von den Validierungsbildern.</translation>
    </message>
    <message>
      <source>The model {file} is not there any more; choose another under Model.</source>
      <translation>Das Modell {file} ist nicht mehr da; wählen Sie ein anderes unter Modell.</translation>
    </message>
    <message>
      <source>The new masks are better</source>
      <translation>Die neuen Masken sind besser</translation>
    </message>
    <message>
      <source>The new masks are no better</source>
      <translation>Die neuen Masken sind nicht besser</translation>
    </message>
    <message>
      <source>The next image of the same size is shown at the same place, as large.</source>
      <translation>Das nächste Bild gleicher Größe erscheint an derselben Stelle, ebenso groß.</translation>
    </message>
    <message>
      <source>The next try goes on from there.</source>
      <translation>Der nächste Versuch macht dort weiter.</translation>
    </message>
    <message>
      <source>The project cannot be opened</source>
      <translation>Das Projekt lässt sich nicht öffnen</translation>
    </message>
    <message>
      <source>The review queue is empty.</source>
      <translation>Die Prüfliste ist leer.</translation>
    </message>
    <message>
      <source>The run cannot be resumed</source>
      <translation>Der Lauf lässt sich nicht fortsetzen</translation>
    </message>
    <message>
      <source>The saliency is how much the counterfactual differs from the image at each pixel, 0 to 1. The mask is where it reaches the threshold; islands that are too small are dropped. Move the slider to see another threshold; M stores the mask on screen as yours. The dashed line is the machine's mask, the solid one a human's.</source>
      <translation>Die Salienz ist, wie sehr sich das Gegenbild an jedem Pixel vom Bild unterscheidet, 0 bis 1. Die Maske ist, wo sie die Schwelle erreicht; zu kleine Inseln fallen weg. Bewegen Sie den Regler für eine andere Schwelle; M speichert die Maske auf dem Schirm als Ihre. Die gestrichelte Linie ist die Maske der Maschine, die durchgezogene die eines Menschen.</translation>
    </message>
    <message>
      <source>The same as {domain}</source>
      <translation>Dasselbe wie {domain}</translation>
    </message>
    <message>
      <source>The training cannot start</source>
      <translation>Das Training kann nicht beginnen</translation>
    </message>
    <message>
      <source>The training failed.</source>
      <translation>Das Training ist gescheitert.</translation>
    </message>
    <message>
      <source>The two rows were measured on different images, unless the data is the same; Model / Models… compares both on one folder.</source>
      <translation>Die beiden Zeilen wurden auf verschiedenen Bildern gemessen, wenn die Daten nicht dieselben sind; Modell / Modelle… vergleicht beide in einem Ordner.</translation>
    </message>
    <message>
      <source>Theme</source>
      <translation>Thema</translation>
    </message>
    <message>
      <source>There are no images here yet. Put some into the folder and rescan (F5), or add another folder on the left.</source>
      <translation>Hier sind noch keine Bilder. Legen Sie welche in den Ordner und lesen Sie neu ein (F5), oder fügen Sie links einen anderen Ordner hinzu.</translation>
    </message>
    <message>
      <source>There is no counterfactual of this image yet: inspect it.</source>
      <translation>Von diesem Bild gibt es noch kein Gegenbild: Inspizieren Sie es.</translation>
    </message>
    <message>
      <source>There is no folder {folder} any more.</source>
      <translation>Den Ordner {folder} gibt es nicht mehr.</translation>
    </message>
    <message>
      <source>There is no folder {folder}; remove it.</source>
      <translation>Es gibt keinen Ordner {folder}; entfernen Sie ihn.</translation>
    </message>
    <message>
      <source>There is no mask in sight to snap; mark the damage roughly first.</source>
      <translation>Im Sichtbaren ist keine Maske; markieren Sie den Schaden zuerst grob.</translation>
    </message>
    <message>
      <source>There is no model for these images yet: choose one of the list or a model file, or train one from undamaged and damaged images.</source>
      <translation>Für diese Bilder gibt es noch kein Modell: Wählen Sie eines aus der Liste oder eine Modelldatei, oder trainieren Sie eines mit unbeschädigten und beschädigten Bildern.</translation>
    </message>
    <message>
      <source>There is no verdict to withdraw.</source>
      <translation>Es gibt kein Urteil zum Zurückziehen.</translation>
    </message>
    <message>
      <source>There is not enough memory; close other programs.</source>
      <translation>Der Speicher reicht nicht; schließen Sie andere Programme.</translation>
    </message>
    <message>
      <source>This project wants to read images outside of its own folder:

{folders}

Allow it where you know the project and these folders. A project that somebody sent you could show, inspect and export your own pictures. This PC remembers your answer.</source>
      <translation>Dieses Projekt möchte Bilder außerhalb seines eigenen Ordners lesen:

{folders}

Erlauben Sie es, wenn Sie das Projekt und diese Ordner kennen. Ein Projekt, das Ihnen jemand geschickt hat, könnte Ihre eigenen Bilder anzeigen, prüfen und exportieren. Dieser PC merkt sich Ihre Antwort.</translation>
    </message>
    <message>
      <source>This version cannot read what the model says of itself.</source>
      <translation>Diese Version kann nicht lesen, was das Modell über sich sagt.</translation>
    </message>
    <message>
      <source>Thumbnail size</source>
      <translation>Größe der Vorschaubilder</translation>
    </message>
    <message>
      <source>Time</source>
      <translation>Zeit</translation>
    </message>
    <message>
      <source>To be doubted: the diffusion model alone changes the verdict.</source>
      <translation>Zweifelhaft: schon das Diffusionsmodell allein ändert das Urteil.</translation>
    </message>
    <message>
      <source>To be written: {n}. Damaged: {damaged}, undamaged: {undamaged}, masks drawn by humans: {corrected}.</source>
      <translation>Zu schreiben: {n}. Beschädigt: {damaged}, unbeschädigt: {undamaged}, von Menschen gezeichnete Masken: {corrected}.</translation>
    </message>
    <message>
      <source>To review</source>
      <translation>Zu prüfen</translation>
    </message>
    <message>
      <source>Too much is in sight to snap at once; zoom in on the damage.</source>
      <translation>Es ist zu viel auf einmal zu sehen; zoomen Sie an den Schaden heran.</translation>
    </message>
    <message>
      <source>Train</source>
      <translation>Training</translation>
    </message>
    <message>
      <source>Train a model</source>
      <translation>Ein Modell trainieren</translation>
    </message>
    <message>
      <source>Train a model…</source>
      <translation>Ein Modell trainieren…</translation>
    </message>
    <message>
      <source>Train on my images</source>
      <translation>Mit meinen Bildern trainieren</translation>
    </message>
    <message>
      <source>Trained on</source>
      <translation>Trainiert mit</translation>
    </message>
    <message>
      <source>Training</source>
      <translation>Training</translation>
    </message>
    <message>
      <source>Try the demo</source>
      <translation>Demo ausprobieren</translation>
    </message>
    <message>
      <source>Undamaged</source>
      <translation>Unbeschädigt</translation>
    </message>
    <message>
      <source>Undamaged folder</source>
      <translation>Ordner unbeschädigt</translation>
    </message>
    <message>
      <source>Undo</source>
      <translation>Rückgängig</translation>
    </message>
    <message>
      <source>Undo takes all of it back.</source>
      <translation>Rückgängig nimmt alles davon zurück.</translation>
    </message>
    <message>
      <source>Use for this folder</source>
      <translation>Für diesen Ordner benutzen</translation>
    </message>
    <message>
      <source>Use it</source>
      <translation>Benutzen</translation>
    </message>
    <message>
      <source>Use this model</source>
      <translation>Dieses Modell benutzen</translation>
    </message>
    <message>
      <source>Used for</source>
      <translation>Benutzt für</translation>
    </message>
    <message>
      <source>Values of masks</source>
      <translation>Werte der Masken</translation>
    </message>
    <message>
      <source>Vanished</source>
      <translation>Verschwunden</translation>
    </message>
    <message>
      <source>Verdicts are stored under this name; empty: your login.</source>
      <translation>Urteile werden unter diesem Namen gespeichert; leer: Ihr Anmeldename.</translation>
    </message>
    <message>
      <source>Violet: doubtful, for review.</source>
      <translation>Violett: zweifelhaft, zum Durchsehen.</translation>
    </message>
    <message>
      <source>Visual quality control that learns from good and bad images, and shows why an image is bad: what it would look like undamaged.</source>
      <translation>Sichtprüfung, die aus guten und schlechten Bildern lernt und zeigt, warum ein Bild schlecht ist: wie es unbeschädigt aussähe.</translation>
    </message>
    <message>
      <source>Visual quality control that learns from good/bad labels and shows why. Apache-2.0. Works offline; nothing is ever sent.</source>
      <translation>Sichtprüfung, die aus Gut/Schlecht-Labels lernt und zeigt, warum. Apache-2.0. Arbeitet ohne Netz; nichts wird je gesendet.</translation>
    </message>
    <message>
      <source>Waiting for the running job; then it is measured how long it would take…</source>
      <translation>Wartet auf den laufenden Auftrag; dann wird gemessen, wie lange es dauern würde…</translation>
    </message>
    <message>
      <source>Waiting for: {job}</source>
      <translation>Wartet auf: {job}</translation>
    </message>
    <message>
      <source>Waiting.</source>
      <translation>Wartet.</translation>
    </message>
    <message>
      <source>Warm-up steps</source>
      <translation>Aufwärmschritte</translation>
    </message>
    <message>
      <source>Weight of G's own head</source>
      <translation>Gewicht von Gs eigenem Kopf</translation>
    </message>
    <message>
      <source>Weight of cycles</source>
      <translation>Gewicht der Zyklen</translation>
    </message>
    <message>
      <source>Weight of damaged</source>
      <translation>Gewicht von beschädigt</translation>
    </message>
    <message>
      <source>Weight of fakes (rho)</source>
      <translation>Gewicht der Fälschungen (rho)</translation>
    </message>
    <message>
      <source>Weight of sparsity (L1)</source>
      <translation>Gewicht der Sparsamkeit (L1)</translation>
    </message>
    <message>
      <source>What comes first in the review</source>
      <translation>Was bei der Durchsicht zuerst kommt</translation>
    </message>
    <message>
      <source>What comes in counts as what a human said, under your name, and is in the trail.</source>
      <translation>Was hereinkommt, gilt als Wort eines Menschen, unter Ihrem Namen, und steht im Verlauf.</translation>
    </message>
    <message>
      <source>What do these images show? Folders that show the same share one model.</source>
      <translation>Was zeigen diese Bilder? Ordner, die dasselbe zeigen, teilen sich ein Modell.</translation>
    </message>
    <message>
      <source>What do you want to do?</source>
      <translation>Was möchten Sie tun?</translation>
    </message>
    <message>
      <source>What humans say</source>
      <translation>Was Menschen sagen</translation>
    </message>
    <message>
      <source>What is a counterfactual?</source>
      <translation>Was ist ein Gegenbild?</translation>
    </message>
    <message>
      <source>What is done is kept; the rest can follow.</source>
      <translation>Was fertig ist, bleibt; der Rest kann folgen.</translation>
    </message>
    <message>
      <source>What is the score?</source>
      <translation>Was ist die Bewertung?</translation>
    </message>
    <message>
      <source>What is this?</source>
      <translation>Was ist das?</translation>
    </message>
    <message>
      <source>What the model says</source>
      <translation>Was das Modell sagt</translation>
    </message>
    <message>
      <source>What the networks compute on.</source>
      <translation>Womit die Netze rechnen.</translation>
    </message>
    <message>
      <source>What the review queue is ranked by.</source>
      <translation>Wonach die Prüfliste geordnet ist.</translation>
    </message>
    <message>
      <source>What the saliency is multiplied with before it is coloured</source>
      <translation>Womit die Salienz malgenommen wird, bevor sie Farbe bekommt</translation>
    </message>
    <message>
      <source>What was read so far is kept.</source>
      <translation>Was bisher gelesen wurde, bleibt.</translation>
    </message>
    <message>
      <source>When the program starts.</source>
      <translation>Beim Start des Programms.</translation>
    </message>
    <message>
      <source>Which images</source>
      <translation>Welche Bilder</translation>
    </message>
    <message>
      <source>Which images?</source>
      <translation>Welche Bilder?</translation>
    </message>
    <message>
      <source>Which model counts for the folders chosen on the left</source>
      <translation>Welches Modell für die links gewählten Ordner gilt</translation>
    </message>
    <message>
      <source>Which model?</source>
      <translation>Welches Modell?</translation>
    </message>
    <message>
      <source>Whole or tiles</source>
      <translation>Ganz oder Kacheln</translation>
    </message>
    <message>
      <source>Width</source>
      <translation>Breite</translation>
    </message>
    <message>
      <source>With lines, points or boxes only, so damaged without a mask: {n}.</source>
      <translation>Nur mit Linien, Punkten oder Rahmen, also beschädigt ohne Maske: {n}.</translation>
    </message>
    <message>
      <source>Withdraw the verdict</source>
      <translation>Urteil zurückziehen</translation>
    </message>
    <message>
      <source>You can only look at this project and export it; nothing is stored in {folder}: {reason}.</source>
      <translation>Dieses Projekt lässt sich nur ansehen und exportieren; in {folder} wird nichts gespeichert: {reason}.</translation>
    </message>
    <message>
      <source>Your name</source>
      <translation>Ihr Name</translation>
    </message>
    <message>
      <source>Zoom in</source>
      <translation>Vergrößern</translation>
    </message>
    <message>
      <source>Zoom out</source>
      <translation>Verkleinern</translation>
    </message>
    <message>
      <source>a discriminator from scratch judges by the pretrained features as well</source>
      <translation>ein Diskriminator von Grund auf urteilt auch nach den vortrainierten Merkmalen</translation>
    </message>
    <message>
      <source>a reason that this version does not know ({said})</source>
      <translation>ein Grund, den diese Version nicht kennt ({said})</translation>
    </message>
    <message>
      <source>also where humans have decided already</source>
      <translation>auch, wo Menschen schon entschieden haben</translation>
    </message>
    <message>
      <source>are undamaged</source>
      <translation>sind unbeschädigt</translation>
    </message>
    <message>
      <source>as polygons, where the format has both</source>
      <translation>als Polygone, wo das Format beides kennt</translation>
    </message>
    <message>
      <source>as shipped</source>
      <translation>wie mitgeliefert</translation>
    </message>
    <message>
      <source>as the format means it</source>
      <translation>wie das Format es meint</translation>
    </message>
    <message>
      <source>balanced: for daily use</source>
      <translation>balanced: für den Alltag</translation>
    </message>
    <message>
      <source>c: nested counterfactuals G(G(x)), ...; each costs one more pass</source>
      <translation>c: geschachtelte Gegenbilder G(G(x)), ...; jedes kostet einen Durchgang mehr</translation>
    </message>
    <message>
      <source>cfinspect model to fine-tune instead of starting fresh</source>
      <translation>cfinspect-Modell zum Nachtrainieren statt eines neuen Anfangs</translation>
    </message>
    <message>
      <source>channels of the first stage of compact and hybrid, a quarter of swin's</source>
      <translation>Kanäle der ersten Stufe von compact und hybrid, ein Viertel derer von swin</translation>
    </message>
    <message>
      <source>channels of the generator's first level; each level but projected's doubles them</source>
      <translation>Kanäle der ersten Ebene des Generators; außer bei projected verdoppelt jede Ebene sie</translation>
    </message>
    <message>
      <source>copy the images</source>
      <translation>Bilder kopieren</translation>
    </message>
    <message>
      <source>corrections not stored yet</source>
      <translation>Korrekturen noch nicht gespeichert</translation>
    </message>
    <message>
      <source>counterfactual</source>
      <translation>Gegenbild</translation>
    </message>
    <message>
      <source>cracked walls and apples</source>
      <translation>gerissene Wände und Äpfel</translation>
    </message>
    <message>
      <source>damaged</source>
      <translation>beschädigt</translation>
    </message>
    <message>
      <source>damaged area near one percent</source>
      <translation>beschädigte Fläche nahe einem Prozent</translation>
    </message>
    <message>
      <source>decay of the running mean of weights used for inspection</source>
      <translation>Abklingen des laufenden Mittels der Gewichte, mit denen geprüft wird</translation>
    </message>
    <message>
      <source>decoded images kept in memory up to this many GiB</source>
      <translation>gelesene Bilder bleiben bis zu so vielen GiB im Speicher</translation>
    </message>
    <message>
      <source>error of the noise</source>
      <translation>Fehler des Rauschens</translation>
    </message>
    <message>
      <source>everything, the model's word included</source>
      <translation>alles, auch das Wort des Modells</translation>
    </message>
    <message>
      <source>fast: a first look</source>
      <translation>fast: ein erster Blick</translation>
    </message>
    <message>
      <source>file with pretrained weights of EfficientNet-Lite0, where the shipped ones are used otherwise, or of another D's own layers; none: from scratch, with D compact</source>
      <translation>Datei mit vortrainierten Gewichten von EfficientNet-Lite0, sonst gelten die mitgelieferten, oder für die Schichten eines anderen D; none: von Grund auf, mit D compact</translation>
    </message>
    <message>
      <source>first steps in which D learns as a plain classifier</source>
      <translation>erste Schritte, in denen D als einfacher Klassifikator lernt</translation>
    </message>
    <message>
      <source>flagged</source>
      <translation>auffällig</translation>
    </message>
    <message>
      <source>flagged: {n}</source>
      <translation>markiert: {n}</translation>
    </message>
    <message>
      <source>flip damaged</source>
      <translation>Umkehr beschädigt</translation>
    </message>
    <message>
      <source>flip undamaged</source>
      <translation>Umkehr unbeschädigt</translation>
    </message>
    <message>
      <source>gated residual output; off: plain residual</source>
      <translation>Differenz mit Tor am Ausgang; aus: einfache Differenz</translation>
    </message>
    <message>
      <source>generator steps over which l1 grows to its full weight</source>
      <translation>Schritte des Generators, über die l1 auf sein volles Gewicht wächst</translation>
    </message>
    <message>
      <source>getting ready…</source>
      <translation>wird vorbereitet…</translation>
    </message>
    <message>
      <source>gradient steps of that perturbation; each costs a pass of D</source>
      <translation>Gradientenschritte dieser Störung; jeder kostet einen Durchgang von D</translation>
    </message>
    <message>
      <source>group {name}</source>
      <translation>Gruppe {name}</translation>
    </message>
    <message>
      <source>how numbers are kept while the networks compute</source>
      <translation>wie Zahlen beim Rechnen der Netze gespeichert werden</translation>
    </message>
    <message>
      <source>human: {state}</source>
      <translation>Mensch: {state}</translation>
    </message>
    <message>
      <source>image</source>
      <translation>Bild</translation>
    </message>
    <message>
      <source>images: {n}, to review: {left}</source>
      <translation>Bilder: {n}, offen: {left}</translation>
    </message>
    <message>
      <source>inspected</source>
      <translation>inspiziert</translation>
    </message>
    <message>
      <source>its folder says {label}, the model does not</source>
      <translation>sein Ordner sagt {label}, das Modell nicht</translation>
    </message>
    <message>
      <source>label-preserving changes of the training images</source>
      <translation>Änderungen der Trainingsbilder, die das Label nicht berühren</translation>
    </message>
    <message>
      <source>lambda_c: weight of each further pass, to its power</source>
      <translation>lambda_c: Gewicht jedes weiteren Durchgangs, hoch seiner Nummer</translation>
    </message>
    <message>
      <source>leave the images where they are</source>
      <translation>Bilder lassen, wo sie sind</translation>
    </message>
    <message>
      <source>link the images (same disk)</source>
      <translation>Bilder verknüpfen (selber Datenträger)</translation>
    </message>
    <message>
      <source>looks unlike the training images (p_fake {0} above {1})</source>
      <translation>sieht anders aus als die Trainingsbilder (p_fake {0} über {1})</translation>
    </message>
    <message>
      <source>mask corrected</source>
      <translation>Maske korrigiert</translation>
    </message>
    <message>
      <source>masks corrected</source>
      <translation>Masken korrigiert</translation>
    </message>
    <message>
      <source>minutes</source>
      <translation>Minuten</translation>
    </message>
    <message>
      <source>model in use</source>
      <translation>benutztes Modell</translation>
    </message>
    <message>
      <source>model {name}</source>
      <translation>Modell {name}</translation>
    </message>
    <message>
      <source>model: {name}</source>
      <translation>Modell: {name}</translation>
    </message>
    <message>
      <source>moved: {n}</source>
      <translation>verschoben: {n}</translation>
    </message>
    <message>
      <source>name of the folder of damaged images</source>
      <translation>Name des Ordners der beschädigten Bilder</translation>
    </message>
    <message>
      <source>name of the folder of undamaged images</source>
      <translation>Name des Ordners der unbeschädigten Bilder</translation>
    </message>
    <message>
      <source>names of the folders of several defect classes, with commas between them</source>
      <translation>Namen der Ordner mehrerer Schadensklassen, durch Kommas getrennt</translation>
    </message>
    <message>
      <source>network that classifies and tells fakes; projected sees through pretrained features, the others learn from scratch</source>
      <translation>Netz, das einordnet und Fälschungen erkennt; projected sieht durch vortrainierte Merkmale, die anderen lernen von Grund auf</translation>
    </message>
    <message>
      <source>network that makes the counterfactual; projected decodes what its discriminator sees</source>
      <translation>Netz, das das Gegenbild erzeugt; projected entschlüsselt, was sein Diskriminator sieht</translation>
    </message>
    <message>
      <source>new model</source>
      <translation>neues Modell</translation>
    </message>
    <message>
      <source>new: {n}</source>
      <translation>neu: {n}</translation>
    </message>
    <message>
      <source>no image</source>
      <translation>kein Bild</translation>
    </message>
    <message>
      <source>no model yet</source>
      <translation>noch kein Modell</translation>
    </message>
    <message>
      <source>none</source>
      <translation>keines</translation>
    </message>
    <message>
      <source>not inspected</source>
      <translation>nicht inspiziert</translation>
    </message>
    <message>
      <source>not stored yet</source>
      <translation>noch nicht gespeichert</translation>
    </message>
    <message>
      <source>one set</source>
      <translation>ein Satz</translation>
    </message>
    <message>
      <source>only masks drawn by humans</source>
      <translation>nur von Menschen gezeichnete Masken</translation>
    </message>
    <message>
      <source>or drop one anywhere here</source>
      <translation>oder irgendwohin ziehen</translation>
    </message>
    <message>
      <source>p0 undamaged</source>
      <translation>p0 unbeschädigt</translation>
    </message>
    <message>
      <source>p1 damaged</source>
      <translation>p1 beschädigt</translation>
    </message>
    <message>
      <source>p_fake</source>
      <translation>p_fake</translation>
    </message>
    <message>
      <source>p_fake, highest first</source>
      <translation>p_fake, höchstes zuerst</translation>
    </message>
    <message>
      <source>paper: as published, for comparisons</source>
      <translation>paper: wie veröffentlicht, zum Vergleichen</translation>
    </message>
    <message>
      <source>paused</source>
      <translation>angehalten</translation>
    </message>
    <message>
      <source>project {name}</source>
      <translation>Projekt {name}</translation>
    </message>
    <message>
      <source>projected G changes only what D's evidence blames; off: anything</source>
      <translation>G projected ändert nur, was Ds Evidenz beschuldigt; aus: alles</translation>
    </message>
    <message>
      <source>reading the whole image…</source>
      <translation>das ganze Bild wird gelesen…</translation>
    </message>
    <message>
      <source>real images per step, half of each class</source>
      <translation>echte Bilder je Schritt, die Hälfte von jeder Klasse</translation>
    </message>
    <message>
      <source>reviewed</source>
      <translation>geprüft</translation>
    </message>
    <message>
      <source>runs</source>
      <translation>läuft</translation>
    </message>
    <message>
      <source>saliency {value}</source>
      <translation>Salienz {value}</translation>
    </message>
    <message>
      <source>saved {time}</source>
      <translation>gespeichert {time}</translation>
    </message>
    <message>
      <source>saving…</source>
      <translation>speichere…</translation>
    </message>
    <message>
      <source>score {score}</source>
      <translation>Bewertung {score}</translation>
    </message>
    <message>
      <source>seed of split, weights, order and augmentation</source>
      <translation>Startwert von Teilung, Gewichten, Reihenfolge und Augmentierung</translation>
    </message>
    <message>
      <source>seed of the held-out share alone, so that seeds compare</source>
      <translation>Startwert nur des zurückgehaltenen Anteils, damit Startwerte vergleichbar sind</translation>
    </message>
    <message>
      <source>selected: {n}</source>
      <translation>ausgewählt: {n}</translation>
    </message>
    <message>
      <source>share of groups kept for validation</source>
      <translation>Anteil der Gruppen zur Validierung</translation>
    </message>
    <message>
      <source>share of groups never looked at; see 'evaluate --unseen'</source>
      <translation>Anteil der Gruppen, die nie angesehen werden; siehe 'evaluate --unseen'</translation>
    </message>
    <message>
      <source>share of images that a human should see</source>
      <translation>Anteil der Bilder, die ein Mensch sehen soll</translation>
    </message>
    <message>
      <source>share of the batch that is perturbed</source>
      <translation>Anteil des Batches, der gestört wird</translation>
    </message>
    <message>
      <source>share of the images noised within the first tenth of T, where ACE's filter works by default; the others anywhere</source>
      <translation>Anteil der Bilder, die im ersten Zehntel von T verrauscht werden, wo der Filter von ACE in der Voreinstellung arbeitet; die übrigen irgendwo</translation>
    </message>
    <message>
      <source>share of the places whose mean evidence speaks for the image, for projected</source>
      <translation>Anteil der Stellen, deren mittlere Evidenz für das Bild spricht, bei projected</translation>
    </message>
    <message>
      <source>side of the network's input in pixels, a multiple of 32</source>
      <translation>Seite des Netzeingangs in Pixeln, ein Vielfaches von 32</translation>
    </message>
    <message>
      <source>side of the patches the generator starts from: 1, 2 or 4</source>
      <translation>Seite der Kacheln, mit denen der Generator beginnt: 1, 2 oder 4</translation>
    </message>
    <message>
      <source>sigma of the noise on what D and further cycles see, range [0,1]</source>
      <translation>Sigma des Rauschens auf dem, was D und weitere Zyklen sehen, Bereich [0,1]</translation>
    </message>
    <message>
      <source>skipped</source>
      <translation>übersprungen</translation>
    </message>
    <message>
      <source>skipped, to be seen again</source>
      <translation>übersprungen, kommen wieder</translation>
    </message>
    <message>
      <source>snapping to edges…</source>
      <translation>lege an Kanten…</translation>
    </message>
    <message>
      <source>stage of the backbone with projected's finest evidence: 1 sees half of the side, 2 a quarter</source>
      <translation>Stufe des vortrainierten Netzes mit der feinsten Evidenz von projected: 1 sieht die halbe Seite, 2 ein Viertel</translation>
    </message>
    <message>
      <source>stay open</source>
      <translation>bleiben offen</translation>
    </message>
    <message>
      <source>step {n}</source>
      <translation>Schritt {n}</translation>
    </message>
    <message>
      <source>steps after the training in which G's masks teach a segmenter; 0: masks by G</source>
      <translation>Schritte nach dem Training, in denen ein Segmentierer aus den Masken von G lernt; 0: Masken von G</translation>
    </message>
    <message>
      <source>steps between two checkpoints</source>
      <translation>Schritte zwischen zwei Sicherungen</translation>
    </message>
    <message>
      <source>steps between two looks at the validation images; before the last fifth, thrice that</source>
      <translation>Schritte zwischen zwei Messungen an den Validierungsbildern; vor dem letzten Fünftel das Dreifache</translation>
    </message>
    <message>
      <source>still waiting</source>
      <translation>noch wartend</translation>
    </message>
    <message>
      <source>stopping…</source>
      <translation>hält an…</translation>
    </message>
    <message>
      <source>the counterfactual did not flip the model's mind</source>
      <translation>das Gegenbild stimmte das Modell nicht um</translation>
    </message>
    <message>
      <source>the largest {n} are listed</source>
      <translation>die {n} größten stehen in der Liste</translation>
    </message>
    <message>
      <source>the model overruled</source>
      <translation>das Modell überstimmt</translation>
    </message>
    <message>
      <source>the model says {label}</source>
      <translation>das Modell sagt {label}</translation>
    </message>
    <message>
      <source>the model's own</source>
      <translation>das eigene des Modells</translation>
    </message>
    <message>
      <source>the score {0} lies inside the doubtful band {1} to {2}</source>
      <translation>die Bewertung {0} liegt im Zweifelsbereich {1} bis {2}</translation>
    </message>
    <message>
      <source>the whole project</source>
      <translation>das ganze Projekt</translation>
    </message>
    <message>
      <source>to</source>
      <translation>bis</translation>
    </message>
    <message>
      <source>to review</source>
      <translation>zu prüfen</translation>
    </message>
    <message>
      <source>two folders: good and bad</source>
      <translation>zwei Ordner: gut und schlecht</translation>
    </message>
    <message>
      <source>undamaged</source>
      <translation>unbeschädigt</translation>
    </message>
    <message>
      <source>unreadable</source>
      <translation>unlesbar</translation>
    </message>
    <message>
      <source>used for {domain}</source>
      <translation>gilt für {domain}</translation>
    </message>
    <message>
      <source>vanished: {n}</source>
      <translation>verschwunden: {n}</translation>
    </message>
    <message>
      <source>waits</source>
      <translation>wartet</translation>
    </message>
    <message>
      <source>weight of damaged -&gt; undamaged; undamaged gets 2 - it</source>
      <translation>Gewicht von beschädigt -&gt; unbeschädigt; unbeschädigt bekommt 2 minus dieses</translation>
    </message>
    <message>
      <source>weight of fakes in D's loss; 1 makes real images tie with fake</source>
      <translation>Gewicht der Fälschungen im Verlust von D; bei 1 stehen echte Bilder mit ihnen gleich</translation>
    </message>
    <message>
      <source>weight of the generator's own classification head</source>
      <translation>Gewicht des eigenen Klassifikationskopfs des Generators</translation>
    </message>
    <message>
      <source>weight of the sparsity term mean|x - x'|</source>
      <translation>Gewicht des Sparsamkeitsterms mean|x - x'|</translation>
    </message>
    <message>
      <source>what contradicts its folder's label</source>
      <translation>was dem Label seines Ordners widerspricht</translation>
    </message>
    <message>
      <source>what decisions are fitted on; augmented: images changed as by other cameras</source>
      <translation>worauf Entscheidungen abgestimmt werden; augmented: Bilder, verändert wie von anderen Kameras</translation>
    </message>
    <message>
      <source>what humans decided</source>
      <translation>was Menschen entschieden haben</translation>
    </message>
    <message>
      <source>what inspections average D over; flips: four mirror images; flips+scale: also two thirds of the size, twice as slow; none: the image alone, the fastest</source>
      <translation>worüber Prüfungen D mitteln; flips: vier Spiegelbilder; flips+scale: auch zwei Drittel der Größe, doppelt so langsam; none: das Bild allein, am schnellsten</translation>
    </message>
    <message>
      <source>what is trained; diffusion is for explanations by ACE, the others to measure cfgan by</source>
      <translation>was trainiert wird; diffusion ist für Erklärungen durch ACE, die anderen messen cfgan</translation>
    </message>
    <message>
      <source>what looks least like the training images</source>
      <translation>was den Trainingsbildern am wenigsten ähnelt</translation>
    </message>
    <message>
      <source>what the score is least sure of</source>
      <translation>wo die Bewertung am unsichersten ist</translation>
    </message>
    <message>
      <source>what the values of mask files are; auto: looked at, and refused where it is not clear</source>
      <translation>was die Werte von Maskendateien sind; auto: es wird nachgesehen, und abgelehnt, wo es nicht klar ist</translation>
    </message>
    <message>
      <source>where humans agreed with the model, and corrected masks</source>
      <translation>wo Menschen dem Modell zustimmten, und korrigierte Masken</translation>
    </message>
    <message>
      <source>whole: an image is resized to size; tiles: photos go by windows</source>
      <translation>whole: das Bild wird auf size gebracht; tiles: Fotos gehen fensterweise</translation>
    </message>
    <message>
      <source>with several defect classes: one discriminator answers for all of them</source>
      <translation>bei mehreren Schadensklassen: ein Diskriminator antwortet für alle</translation>
    </message>
    <message>
      <source>{device}. Images to learn from: {training}, to validate on: {validation}. Run: {folder}</source>
      <translation>{device}. Bilder zum Lernen: {training}, zum Validieren: {validation}. Lauf: {folder}</translation>
    </message>
    <message>
      <source>{file} is taken into the project that opens next.</source>
      <translation>{file} wird in das Projekt übernommen, das als nächstes geöffnet wird.</translation>
    </message>
    <message>
      <source>{file} was not there at the last scan; rescan (F5).</source>
      <translation>{file} war beim letzten Einlesen nicht da; lesen Sie neu ein (F5).</translation>
    </message>
    <message>
      <source>{file}: {name} took {seconds} s.</source>
      <translation>{file}: {name} brauchte {seconds} s.</translation>
    </message>
    <message>
      <source>{folder} (not reachable)</source>
      <translation>{folder} (nicht erreichbar)</translation>
    </message>
    <message>
      <source>{folder} is in the project already.</source>
      <translation>{folder} ist schon im Projekt.</translation>
    </message>
    <message>
      <source>{folder} leaves the project. No file is deleted, and what was said of its images comes back when the folder is added again.</source>
      <translation>{folder} verlässt das Projekt. Keine Datei wird gelöscht, und was über seine Bilder gesagt wurde, kommt zurück, wenn der Ordner wieder hinzugefügt wird.</translation>
    </message>
    <message>
      <source>{folder} lies outside of the project and is not read.</source>
      <translation>{folder} liegt außerhalb des Projekts und wird nicht gelesen.</translation>
    </message>
    <message>
      <source>{job} is not done yet. Stop it? {keeps}</source>
      <translation>{job}: noch nicht fertig. Abbrechen? {keeps}</translation>
    </message>
    <message>
      <source>{job} was stopped. {keeps}</source>
      <translation>{job}: abgebrochen. {keeps}</translation>
    </message>
    <message>
      <source>{keys} is taken by “{command}”; give that one other keys first.</source>
      <translation>{keys} gehört schon zu „{command}“; geben Sie jenem zuerst andere Tasten.</translation>
    </message>
    <message>
      <source>{model} is used for {domain}. Shall it be used for {other} as well? What the model in use has found there is kept and comes back with it.</source>
      <translation>{model} wird für {domain} benutzt. Soll es auch für {other} benutzt werden? Was das bisherige Modell dort gefunden hat, bleibt aufgehoben und kommt mit ihm zurück.</translation>
    </message>
    <message>
      <source>{model} learns masks; you can go on with the review.</source>
      <translation>{model} lernt Masken; Sie können weiter prüfen.</translation>
    </message>
    <message>
      <source>{model} stays in use and nothing was changed. With more corrected masks it may learn more.</source>
      <translation>{model} bleibt in Gebrauch und nichts wurde geändert. Aus mehr korrigierten Masken lernt es vielleicht mehr.</translation>
    </message>
    <message>
      <source>{name} (comes with cfinspect)</source>
      <translation>{name} (mit cfinspect geliefert)</translation>
    </message>
    <message>
      <source>{name} (file is gone)</source>
      <translation>{name} (Datei fehlt)</translation>
    </message>
    <message>
      <source>{new} is in use now; {old} stays under Model. Inspect the images again to see the new masks.</source>
      <translation>{new} gilt jetzt; {old} bleibt unter Modell. Inspizieren Sie die Bilder neu, um die neuen Masken zu sehen.</translation>
    </message>
    <message>
      <source>{now} of the verdicts turn when the inside of the mask is painted over, before {before}; the masks cover {area} of the image, before {area_before}.</source>
      <translation>{now} der Urteile kippen, wenn das Innere der Maske übermalt wird, vorher {before}; die Masken bedecken {area} des Bildes, vorher {area_before}.</translation>
    </message>
    <message>
      <source>{n} MB of memory</source>
      <translation>{n} MB Speicher</translation>
    </message>
    <message>
      <source>{n} images/s</source>
      <translation>{n} Bilder/s</translation>
    </message>
    <message>
      <source>{n} of {total}</source>
      <translation>{n} von {total}</translation>
    </message>
    <message>
      <source>{n} of {total} images got no verdict. The first: {problem}</source>
      <translation>{n} von {total} Bildern bekamen kein Urteil. Das erste: {problem}</translation>
    </message>
    <message>
      <source>{n} of {total} images to inspect</source>
      <translation>{n} von {total} Bildern sind zu prüfen</translation>
    </message>
    <message>
      <source>{n} or more</source>
      <translation>{n} oder mehr</translation>
    </message>
    <message>
      <source>{n} s</source>
      <translation>{n} s</translation>
    </message>
    <message>
      <source>{problem} Leave all the same, and lose what could not be stored?</source>
      <translation>{problem} Trotzdem verlassen und verlieren, was nicht gespeichert werden konnte?</translation>
    </message>
    <message>
      <source>{rate} images/s</source>
      <translation>{rate} Bilder/s</translation>
    </message>
    <message>
      <source>{time} h</source>
      <translation>{time} h</translation>
    </message>
    <message>
      <source>{time} left</source>
      <translation>noch {time}</translation>
    </message>
    <message>
      <source>{time} min</source>
      <translation>{time} min</translation>
    </message>
    <message>
      <source>{unlike} of {judged} images are unlike those that the model learned from: check its answers on some of them, and calibrate or train it with images of this kind.</source>
      <translation>{unlike} von {judged} Bildern gleichen nicht denen, aus denen das Modell gelernt hat: Prüfen Sie seine Antworten an einigen davon, und kalibrieren oder trainieren Sie es mit Bildern dieser Art.</translation>
    </message>
    <message>
      <source>{verdict}, mask corrected</source>
      <translation>{verdict}, Maske korrigiert</translation>
    </message>
    <message>
      <source>{where} · {counts}</source>
      <translation>{where} · {counts}</translation>
    </message>
    <message>
      <source>✔ {verdict}, by {who} at {time}</source>
      <translation>✔ {verdict}, von {who} um {time}</translation>
    </message>
  </context>
</TS>
