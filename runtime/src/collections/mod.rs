//! Persistent collections that are more than one heap object.
