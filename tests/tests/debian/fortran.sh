# packages: gfortran gcc libc6-dev r-base-core
# Fortran, OpenMP in Fortran and C, and R, which is written in these.
export LC_ALL=C.UTF-8
cat > a.f90 <<'END'
program a
  use omp_lib
  implicit none
  integer :: i, n, counts(8), unit
  real(8) :: s, x(1000), m(50,50), v(50)
  character(20) :: text
  s = 0; counts = 0
  !$omp parallel do reduction(+:s) num_threads(4) schedule(dynamic, 100)
  do i = 1, 1000000
    s = s + dble(mod(i, 7))
  end do
  print '(f12.1)', s
  !$omp parallel num_threads(8)
  !$omp critical
  counts(omp_get_thread_num() + 1) = counts(omp_get_thread_num() + 1) + 1
  !$omp end critical
  !$omp barrier
  !$omp single
  !$omp task
  n = 5
  !$omp end task
  !$omp taskwait
  !$omp end single
  !$omp end parallel
  print *, counts, n
  call random_seed(size=i)
  m = reshape([(mod(i*7, 11) + 0.5d0, i = 1, 2500)], [50, 50]); v = matmul(m, m(:, 3)); print '(3es16.8)', sum(v), maxval(v), norm2(v)
  write(text, '(i5.5, "-", z8)') 42, 255; print *, text, index(text, 'FF')
  open(newunit=unit, file='f.dat', form='unformatted', access='stream'); write(unit) x(1:10)*0 + 3, 'abc'; inquire(unit, pos=i); close(unit); print *, i
  read(*, *, iostat=i) x(1); print *, i, x(1)
  print *, 1/real(n-5), sqrt(-real(n))
  stop 3
end program
END
gfortran -O2 -fopenmp -o af a.f90 && echo 2.5 | ./af 2>&1 | grep -v ^Note; echo "${PIPESTATUS[1]}"
cat > o.c <<'END'
#include <omp.h>
#include <stdio.h>
int fib(int n) { int x, y; if (n < 12) return n < 2 ? n : fib(n - 1) + fib(n - 2);
#pragma omp task shared(x)
x = fib(n - 1);
#pragma omp task shared(y)
y = fib(n - 2);
#pragma omp taskwait
return x + y; }
int main(void) { int r; long s = 0; static int a[100000];
#pragma omp parallel
#pragma omp single
r = fib(24);
printf("%d\n", r);
#pragma omp parallel for simd reduction(+:s)
for (int i = 0; i < 100000; i++) { a[i] = i * 3; s += a[i]; }
printf("%ld\n", s);
int c = 0;
#pragma omp parallel for ordered schedule(static, 1) num_threads(5)
for (int i = 0; i < 20; i++) {
#pragma omp ordered
c = c * 3 + i;
}
#pragma omp parallel sections num_threads(3)
{
#pragma omp section
#pragma omp atomic
c++;
#pragma omp section
#pragma omp atomic
c++;
}
printf("%d %d\n", c, omp_get_max_threads() > 0); return 0; }
END
gcc -O2 -fopenmp -o o o.c && ./o && OMP_NUM_THREADS=16 ./o && OMP_PROC_BIND=true OMP_PLACES=cores OMP_WAIT_POLICY=active ./o
R --vanilla -q -s -e 'x <- (1:100)^2; m <- lm(x ~ I(1:100)); print(summary(x)); print(coef(m)); set.seed(1); print(round(mean(rnorm(1000)), 6)); a <- matrix(c(4,1,2,3),2); print(solve(a)); print(eigen(a)$values); f <- function(n) if (n < 2) n else f(n-1) + f(n-2); library(compiler); print(cmpfun(f)(18)); print(tryCatch(stop("x"), error = function(e) conditionMessage(e))); print(sort(c("b","a","C"))); print(system("exit 3")); print(unlist(parallel::mclapply(1:4, function(i) i^2, mc.cores=2))); print(svd(matrix(1:6,2))$d); print(fft(1:4)); print(optimize(function(x) (x-2)^2, c(0, 5))$minimum); print(format(Sys.Date() > as.Date("2001-01-01"))); print(regmatches("a1b22", gregexpr("[0-9]+", "a1b22")))' 2>&1; echo $?
