import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Collections, strings and arithmetic, long enough for the JIT. */
public class Sort {
    public static void main(String[] args) {
        long seed = 42;
        List<String> words = new ArrayList<>();
        for (int i = 0; i < 300_000; i++) {
            seed = seed * 6364136223846793005L + 1442695040888963407L;
            words.add(Long.toString(seed >>> 40, 36));
        }
        Collections.sort(words);
        Map<Integer, Integer> lengths = new HashMap<>();
        for (String word : words) {
            lengths.merge(word.length(), 1, Integer::sum);
        }
        double sum = 0;
        for (int i = 1; i < 20_000_000; i++) {
            sum += Math.sqrt(i) / i;
        }
        System.out.printf("%s %s %.6f%n", words.get(1000), lengths, sum);
    }
}
