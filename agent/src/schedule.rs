//! When each source is read; a slow source never delays another.
