//! The program from outside: the binary itself, run over files and ptys, held against what it wrote.
