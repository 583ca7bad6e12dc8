# packages: python3-venv
# wheels: numpy==2.4.6 pytest==9.2.0 hypothesis==6.170.17 iniconfig==2.3.1 packaging==26.4 pluggy==1.7.0 pygments==2.21.0 sortedcontainers==2.4.0
# not on armhf: PyPI has no wheels of it for 32 bits
# NumPy's wheel from PyPI, and the tests that are in it. Their number depends
# on the processor; that all pass does not.
export LC_ALL=C.UTF-8 OPENBLAS_NUM_THREADS=2; wheels=/mnt/$(dpkg --print-architecture)/wheels
python3 -m venv v && v/bin/pip -q install --no-index --find-links "$wheels" numpy pytest hypothesis; echo $?
v/bin/python - <<'END'
import numpy as np
a = np.arange(60000, dtype=np.float64).reshape(200, 300); r = np.random.default_rng(1)
print((a @ a.T).sum(), a.std(), np.sort(r.integers(0, 1000, 20)).tolist(), r.permutation(8), r.random(3).round(12))
print(np.linalg.solve(np.eye(5) * 3 + 1, np.arange(5)).round(9), np.linalg.eigvalsh(np.diag([3., 1, 2])).round(9), np.abs(np.fft.fft(np.arange(16.))).round(6)[:4])
x = r.normal(size=100000).astype(np.float32); print((x * 2).astype(np.float16).astype(np.int8, casting='unsafe')[:5], np.isnan(np.sqrt(np.array([-1., 4]))), x.argmax(), np.percentile(x, 90).round(4))
print(np.einsum('ij,jk->ik', np.ones((3, 4)), np.ones((4, 2))), np.array(['a', 'bc']).astype('U5'), np.unique([3, 1, 3]), np.bincount([1, 1, 4]), np.packbits([1, 0, 1]), np.array([1 + 2j]).conj(), np.datetime64('2001-09-09') + 1)
END
for t in linalg fft random.tests.test_{generator_mt19937,random,smoke} _core.tests.test_{half,einsum,indexing,nditer,numeric,scalarmath,mem_overlap,conversion_utils,longdouble,shape_base,dtype,ufunc,umath,strings,multiarray} lib.tests.test_{function_base,io}; do v/bin/python -m pytest -q -p no:cacheprovider -m 'not slow' --tb=line --pyargs numpy.$t > log 2>&1; echo "$t: $?"; grep -aE '^(FAILED|ERROR)' log | sed 's/ - .*//'; done
