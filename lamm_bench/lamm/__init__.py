"""The LAMM model. The one folder of the engine that imports torch; nothing here is imported before a verb needs it."""
