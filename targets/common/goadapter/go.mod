module tcpassay/goadapter

go 1.21
