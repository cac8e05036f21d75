//! semac: the ahead-of-time compiler for Sema.
pub mod datum;
<<<<<<< HEAD
pub mod ir;
=======
pub mod diagnostic;
>>>>>>> reader
pub mod reader;
pub mod source;
