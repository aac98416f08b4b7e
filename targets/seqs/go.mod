module tcpassay/seqs

go 1.21

require github.com/soypat/seqs v0.0.0-20260125140838-2c1c6b1bd69e

require tcpassay/goadapter v0.0.0

replace tcpassay/goadapter => ../common/goadapter
