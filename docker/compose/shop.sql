-- The accounts of the reader and of the demo, and a shop with something in it.
CREATE USER 'cdc'@'%' IDENTIFIED BY 'cdc';
GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT, XA_RECOVER_ADMIN ON *.* TO 'cdc'@'%';
CREATE USER 'shop'@'%' IDENTIFIED BY 'shop';
GRANT SELECT, INSERT, UPDATE, DELETE ON shop.* TO 'shop'@'%';

CREATE DATABASE shop;
USE shop;
CREATE TABLE orders (
  id BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT,
  customer VARCHAR(60) NOT NULL,
  total DECIMAL(10, 2) NOT NULL,
  state ENUM('open', 'paid') NOT NULL DEFAULT 'open',
  changed DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)
);
INSERT INTO orders (customer, total) VALUES ('Ada', 12.50), ('Grace', 99.90), ('Edsger', 7.00);
