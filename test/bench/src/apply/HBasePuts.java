import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.client.Admin;
import org.apache.hadoop.hbase.client.ColumnFamilyDescriptorBuilder;
import org.apache.hadoop.hbase.client.Connection;
import org.apache.hadoop.hbase.client.ConnectionFactory;
import org.apache.hadoop.hbase.client.Put;
import org.apache.hadoop.hbase.client.Table;
import org.apache.hadoop.hbase.client.TableDescriptorBuilder;
import org.apache.hadoop.hbase.util.Bytes;

/**
 * What HBase's own client does with sysbench-like rows. Arguments: host:port of the master, the table, which is made, and how many rows; prints the seconds
 * that the puts took.
 */
public class HBasePuts {
  private static final byte[] FAMILY = bytes("d");
  private static final byte[] ID = bytes("id");
  private static final byte[] K = bytes("k");
  private static final byte[] C = bytes("c");
  private static final byte[] PAD = bytes("pad");
  private static final int BATCH = 500;
  private static final int THREADS = 4;
  private static final long WARM_UP_NANOS = 4_000_000_000L;

  public static void main(String[] args) throws Exception {
    Configuration settings = HBaseConfiguration.create();
    settings.set("hbase.client.registry.impl", "org.apache.hadoop.hbase.client.RpcConnectionRegistry");
    settings.set("hbase.client.bootstrap.servers", args[0]);
    settings.set("hbase.masters", args[0]);
    TableName name = TableName.valueOf(args[1]);
    try (Connection connection = ConnectionFactory.createConnection(settings)) {
      System.out.println("seconds " + secondsOfPuts(connection, name, Integer.parseInt(args[2])));
    }
    System.exit(0);
  }

  private static double secondsOfPuts(Connection connection, TableName name, int rows) throws Exception {
    try (Admin admin = connection.getAdmin()) {
      admin.createTable(
          TableDescriptorBuilder.newBuilder(name).setColumnFamily(ColumnFamilyDescriptorBuilder.of(FAMILY)).build());
    }
    // The client's own classes are loaded and compiled before the clock starts; the rows are put again then.
    long warm = System.nanoTime() + WARM_UP_NANOS;
    do put(connection, name, Math.min(rows, 20_000));
    while (System.nanoTime() < warm);
    long started = System.nanoTime();
    put(connection, name, rows);
    return (System.nanoTime() - started) / 1e9;
  }

  private static void put(Connection connection, TableName name, int rows) throws Exception {
    AtomicInteger next = new AtomicInteger(1);
    Callable<Void> work = () -> {
      try (Table table = connection.getTable(name)) {
        for (int from = next.getAndAdd(BATCH); from <= rows; from = next.getAndAdd(BATCH)) {
          List<Put> puts = new ArrayList<>(BATCH);
          for (int id = from; id < from + BATCH && id <= rows; id++) puts.add(row(id));
          table.put(puts);
        }
      }
      return null;
    };
    ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    List<Future<Void>> ends = new ArrayList<>();
    for (int thread = 0; thread < THREADS; thread++) ends.add(threads.submit(work));
    for (Future<Void> end : ends) end.get();
    threads.shutdown();
  }

  private static Put row(int id) {
    String text = Integer.toString(id);
    byte[] spread = bytes(String.format("%04x", (id * 0x9E3779B1) >>> 16));
    return new Put(Bytes.add(spread, Bytes.toBytes(id ^ 0x80000000)))
        .addColumn(FAMILY, ID, bytes(text))
        .addColumn(FAMILY, K, bytes(Integer.toString((int) ((id * 7919L) % 1_000_000) + 1)))
        .addColumn(FAMILY, C, bytes(digits(id, 10)))
        .addColumn(FAMILY, PAD, bytes(digits(id + 500_000_000, 5)));
  }

  /** Groups of eleven digits, as sysbench fills its columns. */
  private static String digits(int seed, int groups) {
    StringBuilder text = new StringBuilder(12 * groups);
    int state = seed * 0x9E3779B1;
    for (int group = 0; group < groups; group++) {
      state = state * 1_664_525 + 1_013_904_223;
      long number = 10_000_000_000L + (state & 0xFFFFFFFFL) * 20;
      if (group > 0) text.append('-');
      text.append(number);
    }
    return text.toString();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
