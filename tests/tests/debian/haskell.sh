# packages: ghc
# Haskell (GHC): a compiler and its interpreter, light threads on several cores,
# asynchronous exceptions, a collector, large numbers, a child.
export LC_ALL=C.UTF-8
cat > a.hs <<'END'
{-# LANGUAGE ScopedTypeVariables #-}
module Main where
import Control.Concurrent
import Control.Concurrent.MVar
import Control.Exception
import Control.Monad
import qualified Data.Map.Strict as M
import Data.IORef
import Data.Bits
import System.IO
import System.Exit
import System.Process
import System.Timeout
import Text.Printf
import System.Mem
import Data.List
data Tree a = Leaf | Node (Tree a) a (Tree a)
insertT :: Ord a => a -> Tree a -> Tree a
insertT x Leaf = Node Leaf x Leaf
insertT x n@(Node l y r) | x < y = Node (insertT x l) y r | x > y = Node l y (insertT x r) | otherwise = n
toL :: Tree a -> [a]
toL Leaf = []
toL (Node l x r) = toL l ++ [x] ++ toL r
primes :: [Int]
primes = sieve [2..] where sieve (p:xs) = p : sieve [x | x <- xs, x `mod` p /= 0]
main :: IO ()
main = do
  hSetBuffering stdout LineBuffering
  print (sum (toL (foldl' (flip insertT) Leaf [(i * 7919) `mod` 10007 | i <- [1..5000 :: Int]])))
  print (primes !! 800, 2 ^ (200 :: Int) :: Integer, popCount (12345678 :: Int))
  printf "%.10f %s %x\n" (sqrt 2 + sin 1 :: Double) (show (1/0 :: Double)) (255 :: Int)
  r <- try (evaluate (1 `div` (0 :: Int))); case r of { Left DivideByZero -> putStrLn "div"; Left e -> print e; Right n -> print n }
  r2 <- try (evaluate (head ([] :: [Int]))); case r2 of { Left (e :: SomeException) -> putStrLn "head"; Right n -> print n }
  mv <- newMVar (0 :: Int); done <- newEmptyMVar
  forM_ [1..100] $ \n -> forkIO $ do { forM_ [1..200] $ \i -> modifyMVar_ mv (return . (+ (n * i `mod` 3))); putMVar done () }
  replicateM_ 100 (takeMVar done); readMVar mv >>= print
  r3 <- try (do { m <- newEmptyMVar :: IO (MVar ()); takeMVar m }); case r3 of { Left BlockedIndefinitelyOnMVar -> putStrLn "blocked"; Right () -> return () }
  timeout 50000 (forever yield) >>= print . (== (Nothing :: Maybe ()))
  t <- forkIO (threadDelay 100000000 `catch` \(e :: AsyncException) -> print e >> putMVar done ()); yield; threadDelay 1000; killThread t; takeMVar done
  m <- newIORef M.empty; forM_ (words "a b a c b a") $ \w -> modifyIORef' m (M.insertWith (+) w (1 :: Int)); readIORef m >>= print
  out <- readProcess "tr" ["a-z", "A-Z"] "piped"; putStrLn out
  performMajorGC; let big = [1..1000000 :: Integer] in print (foldl' (+) 0 big, length big)
  exitWith (ExitFailure 3)
END
for f in -O0 '-O2 -threaded -with-rtsopts=-N2'; do ghc -v0 -fforce-recomp $f -o ah a.hs 2> err; ./ah; echo "$f: $?"; done; ghc -e 'sum [1..100]' ; echo 'main = mapM_ print (take 3 (iterate (*2) 1))' > b.hs; runghc b.hs
